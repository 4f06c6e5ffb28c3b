package parity

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"

	helmadapter "github.com/autoecoops/autoecoops/adapter/helm"
	"github.com/autoecoops/autoecoops/adapter/kustomize"
)

// TestKustomizeCharts compares the samples with helmCharts with `kustomize
// build --enable-helm`. Once the charts are rendered by the same helm on both
// sides, so that what is compared is how they are put into the build; once by
// adapter/helm, as in the product.
func TestKustomizeCharts(t *testing.T) {
	bin := tool(t, "sigs.k8s.io/kustomize/kustomize/v5")
	helm := tool(t, "helm.sh/helm/v4/cmd/helm")
	for name, charts := range map[string]kustomize.ChartFunc{"helm": helmTemplate(helm), "adapter/helm": inProcess(helmadapter.New(helmadapter.Options{}))} {
		t.Run(name, func(t *testing.T) { compareCharts(t, bin, helm, charts) })
	}
}

func compareCharts(t *testing.T, bin, helm string, charts kustomize.ChartFunc) {
	renderer := kustomize.New(kustomize.Options{Charts: charts})
	for _, root := range []string{"charts/site", "charts/base", "charts/over", "charts/plugin"} {
		want, err := exec.Command(bin, "build", "--enable-helm", "--helm-command", helm, filepath.Join(kustomizations, root)).Output()
		if err != nil {
			t.Fatalf("%s: %v", root, err)
		}
		got := renderer.Render(context.Background(), os.DirFS(kustomizations), root)[0]
		compare(t, root, want, err, joined(got.Chunks), len(got.Problems) == 0, got.Problems)
	}
}

// inProcess renders charts with adapter/helm.
func inProcess(r *helmadapter.Renderer) kustomize.ChartFunc {
	return func(ctx context.Context, files fs.FS, dir string, o kustomize.ChartOptions) ([]byte, []string, error) {
		return r.RenderChart(ctx, files, dir, helmadapter.ChartOptions(o))
	}
}

// helmTemplate renders charts with the command line.
func helmTemplate(helm string) kustomize.ChartFunc {
	return func(ctx context.Context, _ fs.FS, dir string, o kustomize.ChartOptions) ([]byte, []string, error) {
		values, err := yaml.Marshal(o.Values)
		if err != nil {
			return nil, nil, err
		}
		f, err := os.CreateTemp("", "values-*.yaml")
		if err != nil {
			return nil, nil, err
		}
		defer os.Remove(f.Name())
		if _, err := f.Write(values); err != nil {
			return nil, nil, err
		}
		f.Close()
		args := []string{"template", o.ReleaseName, filepath.Join(kustomizations, dir), "--namespace", o.Namespace, "-f", f.Name()}
		for _, v := range o.APIVersions {
			args = append(args, "--api-versions", v)
		}
		if o.KubeVersion != "" {
			args = append(args, "--kube-version", o.KubeVersion)
		}
		for flag, on := range map[string]bool{"--include-crds": o.IncludeCRDs, "--no-hooks": o.SkipHooks, "--skip-tests": o.SkipTests} {
			if on {
				args = append(args, flag)
			}
		}
		out, err := exec.CommandContext(ctx, helm, args...).Output()
		return out, nil, err
	}
}
