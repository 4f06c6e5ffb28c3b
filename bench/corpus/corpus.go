// Package corpus generates the manifests that benchmarks run on: applications
// of ten objects each, most of them good, some with the mistakes that real
// repositories have, and lines of logs. The same numbers always give the same bytes.
package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ObjectsPerApp is how many objects one application has.
const ObjectsPerApp = 10

// Write writes apps applications below dir, each as files of five objects.
// 1,000 applications are 10,000 objects in 2,000 files.
func Write(dir string, apps int) error {
	for i := range apps {
		ns := fmt.Sprintf("team-%02d", i%40)
		folder := filepath.Join(dir, ns, fmt.Sprintf("app-%05d", i))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		objects := App(i)
		for part, name := range [...]string{"workload.yaml", "platform.yaml"} {
			text := strings.Join(objects[part*5:part*5+5], "---\n")
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// Install returns one install manifest of about lines lines, as large projects
// publish them: definitions with long schemas, roles and workloads. A line has
// 95 bytes on average.
func Install(lines int) []byte {
	var b strings.Builder
	for i, n := 0, 0; n < lines; i++ {
		var doc string
		if i%2 == 0 {
			doc = definition(i)
		} else {
			doc = strings.Join(App(i)[:5], "---\n")
		}
		b.WriteString("---\n" + doc)
		n += strings.Count(doc, "\n") + 1
	}
	return []byte(b.String())
}

// App returns the ten objects of application i.
func App(i int) []string {
	ns, name := fmt.Sprintf("team-%02d", i%40), fmt.Sprintf("app-%05d", i)
	v := strings.NewReplacer("NAME", name, "SPACE", ns, "PORT", fmt.Sprint(8000+i%1000), "REPLICAS", fmt.Sprint(2+i%4),
		"DIGEST", fmt.Sprintf("sha256:%064x", i*2654435761), "SIDECAR", sidecar(i), "SECURITY", security(i))
	out := make([]string, 0, ObjectsPerApp)
	for _, t := range []string{deployment, service, account, config, scaler, budget, network, role, binding, ingress} {
		out = append(out, v.Replace(t))
	}
	return out
}

func security(i int) string {
	if i%10 == 3 {
		return "{}"
	}
	return `
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            runAsNonRoot: true
            runAsUser: 10001
            capabilities:
              drop:
                - ALL
            seccompProfile:
              type: RuntimeDefault`
}

func sidecar(i int) string {
	if i%3 != 0 {
		return ""
	}
	return `
        - name: exporter
          image: registry.example.com/exporter:1.4.2
          imagePullPolicy: IfNotPresent
          ports:
            - name: metrics
              containerPort: 9102
          resources:
            requests:
              cpu: 10m
              memory: 32Mi
            limits:
              memory: 64Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            runAsNonRoot: true
            capabilities:
              drop: [ALL]
            seccompProfile:
              type: RuntimeDefault`
}

func definition(i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things%d.example.com\nspec:\n  group: example.com\n  names:\n    kind: Thing%d\n    plural: things%d\n  scope: Namespaced\n  versions:\n    - name: v1\n      served: true\n      storage: true\n      schema:\n        openAPIV3Schema:\n          type: object\n          properties:\n            spec:\n              type: object\n              properties:\n", i, i, i)
	for p := range 120 {
		fmt.Fprintf(&b, "                field%d:\n                  description: The field number %d holds a value that the controller reads when it reconciles the thing; it defaults to the value of the class that the thing refers to, and changing it later restarts the pods of the thing one after the other, in the order of their names, after the controller has seen every one of them ready for at least thirty seconds.\n                  type: string\n", p, p)
	}
	return b.String()
}
