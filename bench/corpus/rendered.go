package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// WriteRendered writes apps applications below dir in the way of repositories
// that render: each has a Kustomize base and two overlays, and every tenth comes
// as a Helm chart with values for production besides.
func WriteRendered(dir string, apps int) error {
	for i := range apps {
		write := overlays
		if i%10 == 9 {
			write = chart
		}
		for name, text := range write(i) {
			file := filepath.Join(dir, fmt.Sprintf("app-%05d", i), name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// overlays are the files of an application with a base and two overlays.
func overlays(i int) map[string]string {
	objects, name := App(i), fmt.Sprintf("app-%05d", i)
	files := map[string]string{
		"base/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - workload.yaml\n  - platform.yaml\n",
		"base/workload.yaml":      strings.Join(objects[:5], "---\n"),
		"base/platform.yaml":      strings.Join(objects[5:], "---\n"),
	}
	for stage, replicas := range map[string]int{"staging": 2, "production": 5} {
		files["overlays/"+stage+"/kustomization.yaml"] = fmt.Sprintf(`apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namePrefix: %[1]s-
resources:
  - ../../base
labels:
  - pairs:
      stage: %[1]s
configMapGenerator:
  - name: stage
    literals:
      - stage=%[1]s
patches:
  - path: replicas.yaml
`, stage)
		files["overlays/"+stage+"/replicas.yaml"] = fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s\n  namespace: team-%02d\nspec:\n  replicas: %d\n", name, i%40, replicas)
	}
	return files
}

// chart are the files of an application that is a chart.
func chart(i int) map[string]string {
	name := fmt.Sprintf("app-%05d", i)
	files := map[string]string{
		"Chart.yaml":             "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n",
		"values.yaml":            "replicas: 2\nteam: " + fmt.Sprintf("team-%02d", i%40) + "\n",
		"values-production.yaml": "replicas: 5\n",
		"templates/_names.tpl":   "{{- define \"name\" -}}\n{{ .Chart.Name }}\n{{- end -}}\n",
	}
	for n, text := range App(i) {
		text = strings.ReplaceAll(text, name, `{{ include "name" . }}`)
		text = strings.ReplaceAll(text, fmt.Sprintf("team-%02d", i%40), "{{ .Values.team }}")
		text = strings.Replace(text, fmt.Sprintf("replicas: %d\n", 2+i%4), "replicas: {{ .Values.replicas }}\n", 1)
		files[fmt.Sprintf("templates/object-%d.yaml", n)] = text
	}
	return files
}
