package scorecard_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/autoecoops/autoecoops/assess/check"
	"github.com/autoecoops/autoecoops/assess/check/checktest"
	"github.com/autoecoops/autoecoops/assess/scorecard"
	"github.com/autoecoops/autoecoops/graph"
	"github.com/autoecoops/autoecoops/ops"
)

// facts reads files written as "-- name --" sections; those with an
// apiVersion and a kind make the graph.
func facts(t *testing.T, text string) scorecard.Facts {
	t.Helper()
	f := scorecard.Facts{Scan: scorecard.NewScan()}
	var manifests []check.SampleFile
	for part := range strings.SplitSeq("\n"+strings.TrimPrefix(text, "\n"), "\n-- ") {
		name, body, ok := strings.Cut(part, " --\n")
		if !ok {
			continue
		}
		f.Scan.Look(name, []byte(body))
		if strings.HasSuffix(name, ".yaml") && strings.Contains(body, "apiVersion: ") && strings.Contains(body, "kind: ") && !strings.Contains(name, "patch") {
			manifests = append(manifests, check.SampleFile{Name: name, Text: []byte(body)})
		}
	}
	if manifests != nil {
		g, err := checktest.Graph(manifests)
		if err != nil {
			t.Fatal(err)
		}
		f.Graphs = []*graph.Graph{g}
	}
	return f
}

func judgeOne(t *testing.T, f scorecard.Facts, id string) scorecard.Judged {
	t.Helper()
	for _, j := range scorecard.Judge(f) {
		if j.ID == id {
			return j
		}
	}
	t.Fatalf("no practice %s", id)
	return scorecard.Judged{}
}

const web = `
-- app/web.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: registry.example.com/web:1.2.3
`

// pod is a workload of a kind that runs an image.
func pod(kind, name, image, more string) string {
	return fmt.Sprintf(`
-- app/%s.yaml --
apiVersion: apps/v1
kind: %s
metadata: {name: %s, namespace: shop}
spec:
  selector: {matchLabels: {app: %s}}
  template:
    metadata:
      labels: {app: %s}
    spec:
%s
      containers:
        - name: main
          image: %s
`, name, kind, name, name, name, more, image)
}

func object(apiVersion, kind, name, rest string) string {
	return fmt.Sprintf("\n-- objects/%s-%s.yaml --\napiVersion: %s\nkind: %s\nmetadata: {name: %s, namespace: shop}\n%s\n", strings.ToLower(kind), name, apiVersion, kind, name, rest)
}

func workflow(steps string) string {
	return "\n-- .github/workflows/ci.yml --\non: [push, pull_request]\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps:\n" + steps + "\n"
}

const (
	code       = "\n-- main.go --\npackage main\n"
	dockerfile = "\n-- Dockerfile --\nFROM scratch\n"
	tf         = "\n-- main.tf --\nprovider \"aws\" {\n  alias = \"x\"\n}\n"
	burn       = "spec:\n  groups:\n    - name: a\n      rules:\n        - alert: WebBudgetBurns\n          expr: web > 14.4 * 0.001\n          annotations: {runbook_url: https://example.com/web}"
	argoApp    = "spec:\n  project: shop\n  source: {repoURL: https://example.com/x, targetRevision: v1.2.3, path: x}\n  syncPolicy:\n    automated: {prune: true, selfHeal: true}"
	argoLoose  = "spec:\n  project: default\n  source: {repoURL: https://example.com/x, targetRevision: HEAD, path: x}\n  syncPolicy: {}"
)

const yes, part, no, na, un, ne = scorecard.Implemented, scorecard.Partly, scorecard.Missing, scorecard.NotApplicable, scorecard.Unknown, scorecard.NotEvaluated

// practiceTests has, for each practice, repositories that follow it, that do
// not, and that it does not apply to.
var practiceTests = []struct {
	id, name, files string
	want            scorecard.Status
}{
	{"secrets-managed-outside-git", "external", web + object("external-secrets.io/v1", "ExternalSecret", "db", "spec: {}"), yes},
	{"secrets-managed-outside-git", "sealed", web + object("bitnami.com/v1alpha1", "SealedSecret", "db", "spec: {}"), yes},
	{"secrets-managed-outside-git", "sops rule", web + "\n-- .sops.yaml --\ncreation_rules:\n  - age: x\n", yes},
	{"secrets-managed-outside-git", "sops file", web + "\n-- s.yaml --\na: ENC[x]\nsops:\n  mac: ENC[y]\n", yes},
	{"secrets-managed-outside-git", "vault", pod("Deployment", "web", "a:1", "") + strings.Replace(pod("Deployment", "v", "a:1", ""), "labels: {app: v}", "annotations: {vault.hashicorp.com/agent-inject: 'true'}", 1), yes},
	{"secrets-managed-outside-git", "none", web + object("v1", "Secret", "s", "data: {}"), no},
	{"secrets-managed-outside-git", "no objects", code, na},

	{"image-scanning", "trivy", dockerfile + workflow("      - run: trivy image --exit-code 1 web"), yes},
	{"image-scanning", "trivy elsewhere", web + object("argoproj.io/v1alpha1", "Application", "t", "spec:\n  source: {chart: trivy-operator, targetRevision: 1.2.3}"), yes},
	{"image-scanning", "operator only", dockerfile + web + object("argoproj.io/v1alpha1", "Application", "t", "spec:\n  source: {chart: trivy-operator, targetRevision: 1.2.3}"), part},
	{"image-scanning", "none", dockerfile + workflow("      - run: docker build ."), no},
	{"image-scanning", "elsewhere", web, un},
	{"image-scanning", "no images", code, na},

	{"image-signatures", "signed", web + workflow("      - run: cosign sign web"), part},
	{"image-signatures", "both", web + workflow("      - run: cosign sign web") + object("kyverno.io/v1", "ClusterPolicy", "v", "spec:\n  validationFailureAction: Enforce\n  rules:\n    - verifyImages:\n        - imageReferences: ['*']"), yes},
	{"image-signatures", "audit", web + workflow("      - run: cosign sign web") + object("kyverno.io/v1", "ClusterPolicy", "v", "spec:\n  rules:\n    - verifyImages:\n        - failureAction: Audit"), part},
	{"image-signatures", "verified", web + object("policy.sigstore.dev/v1beta1", "ClusterImagePolicy", "v", "spec: {}") + object("policies.kyverno.io/v1", "ImageValidatingPolicy", "w", "spec: {}"), part},
	{"image-signatures", "none", web, no},
	{"image-signatures", "no images", code, na},

	{"runtime-monitoring", "falco", pod("DaemonSet", "falco", "falcosecurity/falco:1", "      tolerations: [{operator: Exists}]") + pod("Deployment", "sk", "falcosecurity/falcosidekick:2", ""), yes},
	{"runtime-monitoring", "not all nodes", pod("DaemonSet", "falco", "falcosecurity/falco:1", ""), part},
	{"runtime-monitoring", "chart", web + "\n-- c/Chart.yaml --\nname: c\ndependencies:\n  - name: falco\n    version: 1.2.3\n", part},
	{"runtime-monitoring", "none", web, no},
	{"runtime-monitoring", "no workload", code, na},

	{"cis-benchmark", "scheduled", "\n-- k.yaml --\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: k}\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers: [{name: k, image: aquasec/kube-bench:1}]\n", part},
	{"cis-benchmark", "none", web, un},
	{"cis-benchmark", "no objects", code, na},

	{"policy-at-admission", "enforced", web + object("kyverno.io/v1", "ClusterPolicy", "v", "spec:\n  rules:\n    - validate: {failureAction: Enforce}"), yes},
	{"policy-at-admission", "audit", web + object("kyverno.io/v1", "ClusterPolicy", "v", "spec:\n  validationFailureAction: Audit\n  rules:\n    - validate: {}\n    - verifyImages: [{}]"), no},
	{"policy-at-admission", "deny", web + object("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "v", "spec: {validationActions: [Deny]}"), yes},
	{"policy-at-admission", "mixed", web + object("constraints.gatekeeper.sh/v1beta1", "K8sLabels", "v", "spec: {enforcementAction: dryrun}") + object("constraints.gatekeeper.sh/v1beta1", "K8sLabels", "w", "spec: {}"), part},
	{"policy-at-admission", "kubewarden", web + object("policies.kubewarden.io/v1", "ClusterAdmissionPolicy", "v", "spec: {mode: monitor}"), no},
	{"policy-at-admission", "none", web, no},
	{"policy-at-admission", "no objects", code, na},

	{"autoscaling", "hpa", web + object("autoscaling/v2", "HorizontalPodAutoscaler", "web", "spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}"), yes},
	{"autoscaling", "nodes", web + object("karpenter.sh/v1", "NodePool", "n", "spec: {}") + object("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", "v", "spec: {updatePolicy: {updateMode: 'Off'}}"), part},
	{"autoscaling", "none", web, no},
	{"autoscaling", "no workload", code, na},

	{"metrics", "annotated", strings.Replace(web, "labels: {app: web}\n    spec", "labels: {app: web}\n      annotations: {prometheus.io/scrape: 'true'}\n    spec", 1), yes},
	{"metrics", "pod monitor", web + pod("Deployment", "other", "x:1", "") + object("monitoring.coreos.com/v1", "PodMonitor", "web", "spec: {selector: {matchLabels: {app: web}}}"), part},
	{"metrics", "another namespace", web + object("monitoring.coreos.com/v1", "PodMonitor", "web", "spec: {namespaceSelector: {matchNames: [other]}, selector: {matchLabels: {app: web}}}"), no},
	{"metrics", "service monitor", web + object("v1", "Service", "web", "spec: {selector: {app: web}, ports: [{name: m, port: 80}]}") + strings.Replace(object("monitoring.coreos.com/v1", "ServiceMonitor", "web", "spec: {namespaceSelector: {any: true}, selector: {matchLabels: {x: y}}}"), "x", "x", 1), no},
	{"metrics", "service annotation", web + strings.Replace(object("v1", "Service", "web", "spec: {selector: {app: web}, ports: [{name: m, port: 80}]}"), "namespace: shop", "namespace: shop, annotations: {prometheus.io/scrape: 'true'}", 1), yes},
	{"metrics", "none", web, no},
	{"metrics", "no workload", code, na},

	{"long-term-metrics", "remote write", web + object("monitoring.coreos.com/v1", "Prometheus", "p", "spec: {remoteWrite: [{url: x}]}"), yes},
	{"long-term-metrics", "configured", web + object("v1", "ConfigMap", "p", "data:\n  p.yml: |\n    scrape_configs: []\n    remote_write:\n      - url: x"), yes},
	{"long-term-metrics", "file", web + "\n-- prometheus.yaml --\nremote_write:\n  - url: x\n", yes},
	{"long-term-metrics", "values", web + "\n-- prometheus-values.yaml --\nprometheusSpec:\n  remoteWrite:\n    - url: x\n", yes},
	{"long-term-metrics", "none", web, no},
	{"long-term-metrics", "no workload", code, na},

	{"logs", "loki and promtail", pod("StatefulSet", "loki", "grafana/loki:3", "") + pod("DaemonSet", "p", "grafana/promtail:3", ""), part},
	{"logs", "with trace ids", pod("StatefulSet", "loki", "grafana/loki:3", "") + pod("DaemonSet", "p", "grafana/alloy:3", "") + "\n-- ds.yaml --\ndatasources:\n  - type: loki\n    jsonData:\n      derivedFields: []\n", yes},
	{"logs", "only trace ids", web + object("v1", "ConfigMap", "g", "data:\n  a: |\n    derivedFields: []"), part},
	{"logs", "charts", web + object("logging.x/v1", "LokiStack", "l", "spec: {}") + object("logging.x/v1", "Elasticsearch", "l", "spec: {}") + object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "fb", "spec: {chart: {spec: {chart: fluent-bit, version: 1.2.3}}}"), part},
	{"logs", "none", web, no},
	{"logs", "no workload", code, na},

	{"traces", "store", web + object("opentelemetry.io/v1beta1", "OpenTelemetryCollector", "c", "spec: {}"), part},
	{"traces", "both", web + "\n-- go.mod --\nmodule x\nrequire go.opentelemetry.io/otel v1.0.0\nrequire (\n\tx/opentelemetry v1 // indirect\n)\n" + pod("Deployment", "tempo", "grafana/tempo:2", ""), yes},
	{"traces", "instrumented", strings.Replace(web, "labels: {app: web}\n    spec", "annotations: {instrumentation.opentelemetry.io/inject-go: 'true'}\n    spec", 1) + pod("Deployment", "tempo", "grafana/tempo:2", ""), yes},
	{"traces", "environment", web + "          env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: x}]\n", part},
	{"traces", "none", web, no},
	{"traces", "no workload", code, na},

	{"consistent-labels", "named", strings.Replace(web, "labels: {app: web}\n    spec", "labels: {app.kubernetes.io/name: web}\n    spec", 1), part},
	{"consistent-labels", "not named", web, no},
	{"consistent-labels", "no workload", code, na},

	{"persistent-telemetry-storage", "claim", object("monitoring.coreos.com/v1", "Prometheus", "p", "spec: {storage: {emptyDir: {}}}"), no},
	{"persistent-telemetry-storage", "claim", object("monitoring.coreos.com/v1", "Prometheus", "p", "spec: {storage: {volumeClaimTemplate: {spec: {}}}}"), yes},
	{"persistent-telemetry-storage", "none", pod("StatefulSet", "loki", "grafana/loki:3", ""), no},
	{"persistent-telemetry-storage", "volume", pod("StatefulSet", "loki", "grafana/loki:3", "      volumes: [{name: d, persistentVolumeClaim: {claimName: d}}]"), yes},
	{"persistent-telemetry-storage", "values off", "\n-- loki/values.yaml --\nwrite:\n  persistence:\n    enabled: false\n", no},
	{"persistent-telemetry-storage", "no store", web, na},

	{"dashboards", "board", web + "\n-- d.json --\n{\"panels\": [], \"schemaVersion\": 1}\n", part},
	{"dashboards", "operator", web + object("grafana.integreatly.org/v1beta1", "GrafanaDashboard", "d", "spec: {}") + object("v1", "ConfigMap", "s", "data:\n  a: |\n    datasources:\n      - url: x\n        tracesToLogsV2: {}"), yes},
	{"dashboards", "map", web + strings.Replace(object("v1", "ConfigMap", "s", "data: {}"), "name: s", "name: s, labels: {grafana_dashboard: '1'}", 1) + "\n-- s.yaml --\napiVersion: 1\ndatasources:\n  - type: tempo\n    tracesToLogsV2: {}\n", yes},
	{"dashboards", "none", web, no},
	{"dashboards", "no workload", code, na},

	{"alerting", "routed", web + object("monitoring.coreos.com/v1", "PrometheusRule", "r", burn) + object("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", "a", "spec: {}"), yes},
	{"alerting", "not routed", web + object("monitoring.coreos.com/v1", "PrometheusRule", "r", burn), part},
	{"alerting", "files", web + "\n-- rules.yaml --\ngroups:\n  - name: a\n    rules:\n      - alert: Burning\n        annotations:\n          runbook_url: x\n      - alert: Bad\n        expr: x\n" + "\n-- am.yaml --\nroute:\n  receiver: x\nreceivers:\n  - name: x\n", part},
	{"alerting", "only routes", web + object("v1", "Secret", "am", "stringData:\n  a: |\n    route: {}\n    receivers: []"), part},
	{"alerting", "none", web, no},
	{"alerting", "no workload", code, na},

	{"slos", "burn rate", web + object("monitoring.coreos.com/v1", "PrometheusRule", "r", burn), yes},
	{"slos", "sloth", web + object("sloth.slok.dev/v1", "PrometheusServiceLevel", "r", "spec: {service: web}"), yes},
	{"slos", "another", web + object("sloth.slok.dev/v1", "PrometheusServiceLevel", "r", "spec: {service: other}") + object("v1", "Service", "web", "spec: {selector: {app: web}, ports: [{name: h, port: 80}]}") + object("networking.k8s.io/v1", "Ingress", "i", "spec: {rules: [{host: a, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}"), part},
	{"slos", "file", web + "\n-- slo.yaml --\nslos:\n  - name: x\n", yes},
	{"slos", "none", web, no},
	{"slos", "no workload", code, na},

	{"anomaly-detection", "", web, un},
	{"auto-remediation", "", web + object("autoecoops.io/v1alpha1", "Playbook", "p", "spec: {}"), un},

	{"declarative-everything", "declared", web, part},
	{"declarative-everything", "no workload", object("v1", "Namespace", "x", ""), part},
	{"declarative-everything", "by command", web + workflow("      - run: kubectl set image deploy/web web=x"), part},
	{"declarative-everything", "no objects", code, na},

	{"manifests-separated", "no code", web, yes},
	{"manifests-separated", "apart", web + code, yes},
	{"manifests-separated", "mixed", web + "\n-- app/main.go --\npackage main\n", no},
	{"manifests-separated", "no objects", code, na},

	{"environments-separated", "overlays", web + "\n-- overlays/staging/kustomization.yaml --\nx: y\n" + "\n-- overlays/prod/kustomization.yaml --\nx: y\n", yes},
	{"environments-separated", "values", web + "\n-- c/values-prod.yaml --\nx: y\n", part},
	{"environments-separated", "weakened", web + "\n-- overlays/staging/kustomization.yaml --\nx: y\n" + "\n-- overlays/prod/patch.yaml --\napiVersion: v1\nkind: NetworkPolicy\n$patch: delete\nmetadata: {name: x}\n", part},
	{"environments-separated", "none", web, no},
	{"environments-separated", "no objects", code, na},

	{"immutable-references", "pinned", object("argoproj.io/v1alpha1", "Application", "a", argoApp), yes},
	{"immutable-references", "head", object("argoproj.io/v1alpha1", "Application", "a", argoLoose), no},
	{"immutable-references", "flux", object("source.toolkit.fluxcd.io/v1", "GitRepository", "a", "spec: {ref: {branch: main}}") + object("source.toolkit.fluxcd.io/v1", "GitRepository", "b", "spec: {ref: {tag: v1.0.0}}") + object("source.toolkit.fluxcd.io/v1", "OCIRepository", "c", "spec: {ref: {semver: '>=1'}}"), part},
	{"immutable-references", "template", object("argoproj.io/v1alpha1", "ApplicationSet", "a", "spec: {template: {spec: {sources: [{targetRevision: '{{rev}}'}]}}}"), un},
	{"immutable-references", "no revision", object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "a", "spec: {chart: {spec: {chart: x}}}"), no},
	{"immutable-references", "range", object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "a", "spec: {chart: {spec: {chart: x, version: 1.x}}}") + object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "b", "spec: {chart: {spec: {chart: ./x}}}"), no},
	{"immutable-references", "charts", "\n-- c/Chart.yaml --\ndependencies:\n  - name: a\n    version: ^1.0.0\n  - name: b\n    version: 1.0.0\n", part},
	{"immutable-references", "locked charts", "\n-- c/Chart.lock --\nx\n\n-- c/Chart.yaml --\ndependencies:\n  - name: a\n    version: ^1.0.0\n", yes},
	{"immutable-references", "bases", "\n-- kustomization.yaml --\nresources:\n  - github.com/a/b?ref=v1.0.0\n  - https://raw.githubusercontent.com/a/b/main/c.yaml\n  - https://github.com/a/b\n  - https://github.com/a/b/releases/download/v1/x.yaml\n  - https://github.com/a/b?ref=main # ?ref=v1.0.0\n  - base\n", part},
	{"immutable-references", "none", web, na},

	{"overlays", "kustomize", web + "\n-- kustomization.yaml --\nresources: [app]\n", yes},
	{"overlays", "plain", web, no},
	{"overlays", "no objects", code, na},

	{"pull-based-operator", "argo", object("argoproj.io/v1alpha1", "Application", "a", argoApp), yes},
	{"pull-based-operator", "default project", object("argoproj.io/v1alpha1", "Application", "a", argoLoose), part},
	{"pull-based-operator", "flux", object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "a", "spec: {prune: true}") + object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "b", "spec: {}"), yes},
	{"pull-based-operator", "wide project", object("argoproj.io/v1alpha1", "AppProject", "a", "spec: {sourceRepos: ['*'], destinations: [{namespace: '*', server: '*'}]}"), no},
	{"pull-based-operator", "push", web + workflow("      - run: kubectl apply -f ."), no},
	{"pull-based-operator", "test cluster", web + workflow("      - uses: helm/kind-action@v1\n      - run: kubectl apply -f ."), no},
	{"pull-based-operator", "set", object("argoproj.io/v1alpha1", "ApplicationSet", "a", "spec: {template: {spec: {project: x}}}"), yes},
	{"pull-based-operator", "none", web, no},
	{"pull-based-operator", "no objects", code, na},

	{"automated-sync-and-self-heal", "whole", object("argoproj.io/v1alpha1", "Application", "a", argoApp), yes},
	{"automated-sync-and-self-heal", "by hand", object("argoproj.io/v1alpha1", "Application", "a", argoLoose), no},
	{"automated-sync-and-self-heal", "half", object("argoproj.io/v1alpha1", "ApplicationSet", "a", "spec: {template: {spec: {syncPolicy: {automated: {prune: false}}}}}"), part},
	{"automated-sync-and-self-heal", "flux", object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "a", "spec: {prune: true}") + object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "b", "spec: {driftDetection: {mode: enabled}}"), yes},
	{"automated-sync-and-self-heal", "suspended", object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "a", "spec: {prune: true, suspend: true}"), no},
	{"automated-sync-and-self-heal", "none", web, no},
	{"automated-sync-and-self-heal", "no objects", code, na},

	{"promotion-by-pull-request", "", web, un},
	{"rollback-by-git", "", web, un},
	{"protected-repository", "owners", "\n-- .github/CODEOWNERS --\n# x\n* @a\n", un},
	{"pipeline-observability", "argo", strings.Replace(object("v1", "ConfigMap", "argocd-notifications-cm", "data:\n  trigger.on-sync-failed: |\n    - send: [x]"), "x", "x", 1), part},
	{"pipeline-observability", "flux", object("notification.toolkit.fluxcd.io/v1", "Alert", "a", "spec: {}") + object("monitoring.coreos.com/v1", "PrometheusRule", "r", strings.Replace(burn, "web >", "argocd_app_info >", 1)), part},
	{"pipeline-observability", "none", web, un},

	{"canary", "analysed", pod("Rollout", "web", "a:1", "") + object("argoproj.io/v1alpha1", "Rollout", "r", "spec: {strategy: {canary: {steps: [{setWeight: 5}, {analysis: {}}], analysis: {templates: []}}}}"), yes},
	{"canary", "blind", web + object("argoproj.io/v1alpha1", "Rollout", "r", "spec: {strategy: {canary: {steps: [{setWeight: 5}]}}}"), no},
	{"canary", "flagger", web + object("flagger.app/v1beta1", "Canary", "r", "spec: {analysis: {metrics: [{name: x}]}}"), yes},
	{"canary", "none", web, no},
	{"canary", "blue-green instead", web + object("argoproj.io/v1alpha1", "Rollout", "r", "spec: {strategy: {blueGreen: {}}}"), na},
	{"blue-green", "analysed", web + object("argoproj.io/v1alpha1", "Rollout", "r", "spec: {strategy: {blueGreen: {prePromotionAnalysis: {templates: [{}]}}}}"), yes},
	{"blue-green", "flagger", web + object("flagger.app/v1beta1", "Canary", "r", "spec: {analysis: {iterations: 5}}"), no},
	{"blue-green", "none", web, no},
	{"blue-green", "canary instead", web + object("flagger.app/v1beta1", "Canary", "r", "spec: {analysis: {metrics: [{name: x}]}}"), na},
	{"automated-rollback", "analysis", web + object("flagger.app/v1beta1", "Canary", "r", "spec: {analysis: {metrics: [{name: x}]}}"), yes},
	{"automated-rollback", "blind", web + object("flagger.app/v1beta1", "Canary", "r", "spec: {analysis: {}}"), no},
	{"automated-rollback", "flux", web + object("helm.toolkit.fluxcd.io/v2", "HelmRelease", "r", "spec: {upgrade: {remediation: {retries: 3}}}"), yes},
	{"automated-rollback", "atomic", web + workflow("      - run: helm upgrade --atomic web ."), yes},
	{"automated-rollback", "none", web, no},
	{"automated-rollback", "no workload", code, na},

	{"control-mapping", "nothing", web, na},
	{"continuous-evidence", "", web, un},
	{"audit-log", "policy", object("audit.k8s.io/v1", "Policy", "p", "rules: [{level: Metadata}]"), part},
	{"audit-log", "empty policy", object("audit.k8s.io/v1", "Policy", "p", "rules: [{level: None}]"), no},
	{"audit-log", "none", web, un},
	{"data-residency", "nodes", pod("Deployment", "web", "a:1", "      nodeSelector: {topology.kubernetes.io/region: eu}"), part},
	{"data-residency", "affinity", pod("Deployment", "web", "a:1", "      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: topology.kubernetes.io/region, operator: In, values: [eu]}]}]}}}"), part},
	{"data-residency", "volumes", object("storage.k8s.io/v1", "StorageClass", "s", "allowedTopologies: [{}]"), part},
	{"data-residency", "terraform", "\n-- main.tf --\nprovider \"aws\" {\n  region = \"eu-central-1\"\n}\n", part},
	{"data-residency", "none", web, no},
	{"data-residency", "nothing", code, na},
	{"encryption", "rest and transit", object("storage.k8s.io/v1", "StorageClass", "s", "provisioner: ebs.csi.aws.com\nparameters: {encrypted: 'true'}") + object("security.istio.io/v1", "PeerAuthentication", "p", "spec: {mtls: {mode: STRICT}}"), yes},
	{"encryption", "volumes only", object("apiserver.config.k8s.io/v1", "EncryptionConfiguration", "e", "resources: [{providers: [{kms: {}}]}]"), part},
	{"encryption", "plain volumes", object("storage.k8s.io/v1", "StorageClass", "s", "provisioner: ebs.csi.aws.com"), no},
	{"encryption", "edge", object("networking.k8s.io/v1", "Ingress", "i", "spec: {tls: [{}]}") + object("gateway.networking.k8s.io/v1", "Gateway", "g", "spec: {listeners: [{protocol: HTTPS}]}") + strings.Replace(web, "labels: {app: web}\n    spec", "annotations: {linkerd.io/inject: enabled}\n    spec", 1), part},
	{"encryption", "none", web, no},
	{"encryption", "nothing", code, na},
	{"segmentation", "isolated", pod("Deployment", "payments", "a:1", "") + object("networking.k8s.io/v1", "NetworkPolicy", "n", "spec: {podSelector: {matchLabels: {app: payments}}, policyTypes: [Ingress], ingress: []}"), yes},
	{"segmentation", "open", strings.Replace(web, "labels: {app: web}\n    spec", "labels: {data-classification: pii}\n    spec", 1), no},
	{"segmentation", "none", web, na},
	{"retention-and-erasure", "", web, un},

	{"modules", "", tf, ne}, {"modules", "none", web, na},
	{"no-secrets-in-code", "", tf, ne}, {"no-secrets-in-code", "state", "\n-- x.tfstate --\n{}\n", no}, {"no-secrets-in-code", "none", web, na},
	{"least-privilege-identities", "", tf, ne}, {"least-privilege-identities", "none", web, na},
	{"secure-resources", "", tf, ne}, {"secure-resources", "none", web, na},
	{"consistent-naming", "", tf, ne}, {"consistent-naming", "none", web, na},
	{"pinned-versions", "pinned", "\n-- .terraform.lock.hcl --\nx\n" + "\n-- main.tf --\nterraform {\n  required_version = \"~> 1.9\"\n  required_providers {\n    aws = {\n      source  = \"hashicorp/aws\"\n      version = \"~> 5.0\"\n    }\n  }\n}\nprovider \"aws\" {\n}\nmodule \"a\" {\n  source  = \"x/y/aws\"\n  version = \"1.2.3\"\n}\nmodule \"b\" {\n  source = \"git::https://example.com/b?ref=v1.2.3\"\n}\nmodule \"c\" {\n  source = \"./c\"\n}\n", yes},
	{"pinned-versions", "half", "\n-- main.tf --\nprovider \"aws\" {\n}\nmodule \"b\" {\n  source = \"git::https://example.com/b?ref=v1.2.3\"\n}\nmodule \"d\" {\n  source = \"git::https://example.com/b?ref=main\"\n}\nmodule \"e\" {\n  source = \"x/y/aws\"\n}\n", part},
	{"pinned-versions", "provider", "\n-- main.tf --\nterraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n    }\n  }\n}\n", no},
	{"pinned-versions", "commented", "\n-- main.tf --\n// required_version = \"1\"\n# x\nlocals {\n  a = <<EOT\nterraform {\n  required_version = \"1\"\n}\nEOT\n}\n", no},
	{"pinned-versions", "none", web, na},
	{"remote-state", "s3", "\n-- main.tf --\nterraform {\n  backend \"s3\" {\n    encrypt        = true\n    dynamodb_table = \"l\"\n  }\n}\n", part},
	{"remote-state", "s3 bare", "\n-- main.tf --\nterraform {\n  backend \"s3\" {\n    bucket = \"b\" // bucket\n  }\n}\n", part},
	{"remote-state", "local", "\n-- main.tf --\nterraform {\n  backend \"local\" {}\n}\n", no},
	{"remote-state", "cloud", "\n-- main.tf --\nterraform {\n  cloud {\n    organization = \"x\"\n  }\n}\n", part},
	{"remote-state", "terragrunt", "\n-- terragrunt.hcl --\nremote_state {\n  backend = \"s3\"\n}\n", part},
	{"remote-state", "root without", tf, no},
	{"remote-state", "none", web, na},
	{"pre-commit-and-linting", "both", tf + workflow("      - run: terraform fmt -check") + "\n-- .pre-commit-config.yaml --\nrepos:\n  - repo: x\n    hooks:\n      - id: terraform_fmt\n      - id: terraform_checkov\n", yes},
	{"pre-commit-and-linting", "pipeline", tf + workflow("      - run: tflint"), part},
	{"pre-commit-and-linting", "none", tf, no},
	{"pre-commit-and-linting", "nothing", code, na},
	{"tested", "planned", tf + workflow("      - run: terraform plan"), part},
	{"tested", "none", tf, no},
	{"tested", "nothing", web, na},

	{"sast", "codeql", code + workflow("      - uses: github/codeql-action/analyze@v3"), yes},
	{"sast", "lenient", code + workflow("      - run: semgrep scan --config auto"), part},
	{"sast", "ignored", code + workflow("      - run: gosec ./... || true"), part},
	{"sast", "scheduled", code + "\n-- .github/workflows/a.yaml --\non:\n  schedule:\n    - cron: x\njobs:\n  a:\n    continue-on-error: false\n    steps:\n      - run: gosec ./...\n", part},
	{"sast", "job ignored", code + "\n-- .github/workflows/a.yaml --\non: push\njobs:\n  a:\n    continue-on-error: true\n    steps:\n      - run: gosec ./...\n  b:\n    uses: x/y/.github/workflows/z.yml@v1\n", part},
	{"sast", "comment", code + workflow("      - name: semgrep ci\n        run: |\n          # semgrep ci\n          echo semgrep ci\n          true # semgrep ci"), no},
	{"sast", "installed only", code + workflow("      - run: pip install bandit"), no},
	{"sast", "gitlab", code + "\n-- .gitlab-ci.yml --\ninclude:\n  - template: Security/SAST.gitlab-ci.yml\n", yes},
	{"sast", "jenkins", code + "\n-- Jenkinsfile --\nstage('bandit') {\n  // sh 'gosec'\n  sh 'sonar-scanner'\n}\n", yes},
	{"sast", "makefile", code + workflow("      - run: make lint") + "\n-- Makefile --\nlint:\n\tgosec ./...\n", yes},
	{"sast", "makefile unused", code + workflow("      - run: true") + "\n-- Makefile --\nlint:\n\tgosec ./...\n", no},
	{"sast", "none", code, no},
	{"sast", "no code", web, na},
	{"dependency-scanning", "renovate", code + "\n-- renovate.json --\n{\"extends\": []}\n", yes},
	{"dependency-scanning", "renovate off", code + "\n-- renovate.json --\n{\"enabled\": false}\n", no},
	{"dependency-scanning", "dependabot", code + "\n-- .github/dependabot.yml --\nupdates:\n  - package-ecosystem: gomod\n", yes},
	{"dependency-scanning", "trivy fs", code + workflow("      - uses: aquasecurity/trivy-action@v1\n        with:\n          scan-type: fs\n          scanners: vuln,secret,misconfig\n          exit-code: 1"), yes},
	{"dependency-scanning", "none", code, no},
	{"dependency-scanning", "nothing", web, na},
	{"secret-detection", "pipeline", code + workflow("      - uses: gitleaks/gitleaks-action@v2"), yes},
	{"secret-detection", "hook", code + "\n-- .pre-commit-config.yaml --\nrepos:\n  - repo: https://example.com/gitleaks\n    hooks:\n      - id: gitleaks\n", part},
	{"secret-detection", "none", code, no},
	{"container-scanning", "grype", dockerfile + workflow("      - run: grype web --fail-on high"), yes},
	{"container-scanning", "lenient", dockerfile + workflow("      - run: trivy image web"), part},
	{"container-scanning", "after the push", dockerfile + workflow("      - run: docker push web\n      - run: trivy image --exit-code 1 web"), part},
	{"container-scanning", "none", dockerfile, no},
	{"container-scanning", "nothing", web, na},
	{"iac-scanning", "checkov", web + workflow("      - run: checkov -d ."), yes},
	{"iac-scanning", "trivy", web + workflow("      - run: trivy config --exit-code 1 ."), yes},
	{"iac-scanning", "azure", web + "\n-- azure-pipelines.yml --\nsteps:\n  - script: checkov -d .\n  - script: true\n    continueOnError: true\n", yes},
	{"iac-scanning", "none", web, no},
	{"iac-scanning", "nothing", code, na},
	{"dast", "zap", code + dockerfile + workflow("      - uses: zaproxy/action-baseline@v1"), yes},
	{"dast", "none", code + dockerfile, no},
	{"dast", "nothing", code, na},
	{"sbom", "syft", dockerfile + workflow("      - run: syft web"), yes},
	{"sbom", "trivy", dockerfile + workflow("      - run: trivy image --format cyclonedx web"), yes},
	{"sbom", "goreleaser", dockerfile + "\n-- .goreleaser.yml --\nsboms:\n  - artifacts: archive\nsigns:\n  - x: y\ndocker_signs:\n  - x: y\n", yes},
	{"sbom", "none", dockerfile, no},
	{"sbom", "nothing", code, na},
	{"signing-and-provenance", "slsa", dockerfile + workflow("      - uses: actions/attest-build-provenance@v1"), yes},
	{"signing-and-provenance", "installed only", dockerfile + workflow("      - uses: sigstore/cosign-installer@v3"), no},
	{"signing-and-provenance", "nothing", code, na},
	{"hardened-workflows", "", workflow("      - run: true"), ne},
	{"hardened-workflows", "none", code, na},
	{"prioritised-findings", "", web, un},
	{"feedback-in-the-pull-request", "sarif", workflow("      - uses: github/codeql-action/upload-sarif@v3"), yes},
	{"feedback-in-the-pull-request", "none", workflow("      - run: true"), no},
	{"feedback-in-the-pull-request", "nothing", web, na},

	{"image-build-hygiene", "", dockerfile, ne},
	{"image-build-hygiene", "none", web, na},
	{"coverage-threshold", "flag", code + workflow("      - run: pytest --cov --cov-fail-under=80"), yes},
	{"coverage-threshold", "measured", code + workflow("      - run: go test -coverprofile=c.out ./..."), part},
	{"coverage-threshold", "jest", code + "\n-- package.json --\n{\"jest\": {\n  \"coverageThreshold\": {\n    \"global\": {\n      \"lines\": 80\n}}}}\n", part},
	{"coverage-threshold", "jest run", code + "\n-- jest.config.js --\ncoverageThreshold: {\n  // lines: 90\n  lines: 80\n}\n" + workflow("      - run: npm test"), yes},
	{"coverage-threshold", "codecov", code + "\n-- codecov.yml --\ncoverage:\n  status:\n    project:\n      default:\n        target: 80%\n        informational: true\n", part},
	{"coverage-threshold", "nyc", code + "\n-- .nycrc --\n{\n  \"check-coverage\": true,\n  \"lines\": 80\n}\n" + workflow("      - run: npm test"), yes},
	{"coverage-threshold", "ignored", code + workflow("      - run: |\n          pytest --cov-fail-under 80 || true"), part},
	{"coverage-threshold", "make", code + "\n-- Makefile --\ntest:\n\tpytest --cov-fail-under=80\n" + workflow("      - run: make test"), yes},
	{"coverage-threshold", "sonar", code + "\n-- sonar-project.properties --\nsonar.qualitygate.wait=true\n" + workflow("      - run: npm test"), yes},
	{"coverage-threshold", "zero", code + workflow("      - run: pytest --cov-fail-under=0"), part},
	{"coverage-threshold", "none", code, no},
	{"coverage-threshold", "nothing", web, na},
	{"test-types", "all", "\n-- a_test.go --\n\n-- test/e2e/a_test.go --\n\n-- integration/a_test.go --\n\n-- k6/load.js --\n\n-- x.jmx --\n\n-- playwright.config.ts --\n\n-- locustfile.py --\n\n-- a_integration_test.go --\n\n-- e2e_test.go --\n", yes},
	{"test-types", "unit", "\n-- a_test.go --\n", part},
	{"test-types", "none", code, no},
	{"test-types", "nothing", web, na},
	{"parallel-tests", "matrix", code + "\n-- .github/workflows/t.yml --\non: push\njobs:\n  t:\n    strategy:\n      matrix:\n        v: [1, 2]\n    steps:\n    - run: go test ./...\n", yes},
	{"parallel-tests", "workers", code + workflow("      - run: pytest -n auto"), yes},
	{"parallel-tests", "one job", code + workflow("      - run: go test ./..."), no},
	{"parallel-tests", "no tests", code + workflow("      - run: true"), no},
	{"parallel-tests", "nothing", code, na},
	{"tests-gate-merges", "", web, un},
	{"automated-review", "reviewdog", code + workflow("      - uses: reviewdog/action-eslint@v1"), yes},
	{"automated-review", "service", code + "\n-- .coderabbit.yaml --\nx: y\n", yes},
	{"automated-review", "none", code, no},
	{"automated-review", "nothing", web, na},
	{"human-review", "", code, un},
}

func TestPractices(t *testing.T) {
	covered := map[string]bool{}
	for _, tt := range practiceTests {
		covered[tt.id] = true
		t.Run(tt.id+"/"+tt.name, func(t *testing.T) {
			got := judgeOne(t, facts(t, tt.files), tt.id)
			if got.Status != tt.want {
				t.Errorf("%s, want %s: %s %+v", got.Status, tt.want, got.Reason, got.Evidence)
			}
			if got.Reason == "" || strings.Contains(got.Reason, "%!") || len(got.Evidence) > scorecard.MaxEvidence {
				t.Errorf("reason %q, %d places", got.Reason, len(got.Evidence))
			}
		})
	}
	for _, p := range scorecard.Practices() {
		if !covered[p.ID] && !onChecks[p.ID] {
			t.Errorf("no test of practice %s", p.ID)
		}
	}
}

// onChecks are the practices that rest on checks alone.
var onChecks = map[string]bool{
	"pod-security-restricted": true, "least-privilege-containers": true, "rbac-least-privilege": true, "network-default-deny": true, "network-exposure-controlled": true,
	"immutable-images": true, "requests-and-limits": true, "guaranteed-qos-for-critical": true, "availability": true, "wiring": true,
	"liveness": true, "readiness": true, "startup": true, "named-ports": true,
}

func finding(id ops.CheckID, s ops.Status, kind, name string, line int) ops.Finding {
	return ops.Finding{Check: id, Status: s, Position: ops.Position{File: "app/web.yaml", Line: line},
		Object: ops.Ref{APIVersion: "apps/v1", Kind: kind, Namespace: "shop", Name: name}, Controls: []string{"soc2:CC6.1"}}
}

func TestChecks(t *testing.T) {
	files := web + pod("Deployment", "other", "a:1", "") + object("v1", "Service", "web", "spec: {}")
	fail, pass := finding("k8s-a", ops.Fail, "Deployment", "web", 1), scorecard.Outcome{Check: "k8s-a", Passed: 3, Sample: []scorecard.Evidence{{File: "app/web.yaml", Line: 2, Check: "k8s-a", Status: ops.Pass}}}
	tests := []struct {
		name, files string
		outcomes    []scorecard.Outcome
		want        scorecard.Status
		reason      string
	}{
		{"no objects", code, nil, scorecard.NotApplicable, ""},
		{"not run", files, nil, scorecard.NotEvaluated, "no check of this practice was run"},
		{"nothing applies", files, []scorecard.Outcome{{Check: "k8s-a"}}, scorecard.NotApplicable, "none of its 1 check"},
		{"pass", files, []scorecard.Outcome{pass}, scorecard.Implemented, "3 places are in order"},
		{"fail", files, []scorecard.Outcome{{Check: "k8s-a", Findings: []ops.Finding{fail}}}, scorecard.Missing, "1 of 2 workloads fails k8s-a (1 finding)"},
		{"both", files, []scorecard.Outcome{pass, {Check: "k8s-b", Findings: []ops.Finding{fail, finding("k8s-b", ops.Fail, "Service", "web", 9)}}}, scorecard.Partly, "1 of 2 workloads and 1 other object fail k8s-b (2 findings)"},
		{"two checks", files, []scorecard.Outcome{{Check: "k8s-a", Findings: []ops.Finding{fail}}, {Check: "k8s-b", Findings: []ops.Finding{fail}}, {Check: "k8s-c"}}, scorecard.Missing, "fails 2 of its 3 checks, most often k8s-a (1)"},
		{"object", files, []scorecard.Outcome{{Check: "k8s-a", Findings: []ops.Finding{finding("k8s-a", ops.Fail, "Service", "web", 9)}}}, scorecard.Missing, "1 object fails k8s-a"},
		{"unknown", files, []scorecard.Outcome{{Check: "k8s-a", Findings: []ops.Finding{finding("k8s-a", ops.Unknown, "Deployment", "web", 1)}}}, scorecard.Unknown, "1 place could not be judged"},
		{"unknown and pass", files, []scorecard.Outcome{pass, {Check: "k8s-b", Findings: []ops.Finding{finding("k8s-b", ops.Unknown, "Deployment", "web", 1)}}}, scorecard.Partly, "nothing fails its 2 checks, but 1 place could not be judged"},
		{"excepted", files, []scorecard.Outcome{pass, {Check: "k8s-b", Findings: []ops.Finding{finding("k8s-b", ops.Excepted, "Deployment", "web", 1)}}}, scorecard.Partly, "1 finding is excepted"},
		{"all three", files, []scorecard.Outcome{pass, {Check: "k8s-b", Findings: []ops.Finding{fail, finding("k8s-b", ops.Unknown, "Deployment", "web", 1)}}}, scorecard.Partly, "1 place could not be judged"},
	}
	for _, tt := range tests {
		for id := range onChecks {
			t.Run(tt.name+"/"+id, func(t *testing.T) {
				f := facts(t, tt.files)
				for _, o := range tt.outcomes {
					o.Practices = []string{id}
					f.Outcomes = append(f.Outcomes, o)
				}
				got := judgeOne(t, f, id)
				if got.Status != tt.want || !strings.Contains(got.Reason, tt.reason) {
					t.Errorf("%s (%s), want %s (%s)", got.Status, got.Reason, tt.want, tt.reason)
				}
			})
		}
	}
}

func TestMarkedPractices(t *testing.T) {
	pass := scorecard.Outcome{Check: "k8s-a", Practices: []string{"autoscaling", "control-mapping"}, Passed: 2}
	f := facts(t, web)
	f.Outcomes = []scorecard.Outcome{pass}
	if got := judgeOne(t, f, "autoscaling"); got.Status != scorecard.Missing {
		t.Errorf("passes without a scaler make it %s", got.Status)
	}
	if got := judgeOne(t, f, "control-mapping"); got.Status != scorecard.Unknown {
		t.Errorf("without a finding control-mapping is %s (%s)", got.Status, got.Reason)
	}
	f.Outcomes[0].Findings = []ops.Finding{finding("k8s-a", ops.Fail, "Deployment", "web", 1)}
	if got := judgeOne(t, f, "control-mapping"); got.Status == scorecard.NotApplicable || !strings.Contains(got.Reason, "maps 1 of 1 finding") {
		t.Errorf("with a finding control-mapping is %s (%s)", got.Status, got.Reason)
	}
	f = facts(t, web+object("autoscaling/v2", "HorizontalPodAutoscaler", "web", "spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}"))
	f.Outcomes = []scorecard.Outcome{pass}
	if got := judgeOne(t, f, "autoscaling"); got.Good != 3 {
		t.Errorf("with a scaler %d places are good", got.Good)
	}
}

func TestEvidenceIsBoundedAndOrdered(t *testing.T) {
	f := facts(t, web)
	o := scorecard.Outcome{Check: "k8s-a", Practices: []string{"liveness"}, Passed: 30}
	for i := range 100 {
		o.Findings = append(o.Findings, finding("k8s-a", ops.Fail, "Deployment", "web", 100-i))
		if i < 30 {
			o.Sample = append(o.Sample, scorecard.Evidence{File: "b.yaml", Line: 30 - i, Status: ops.Pass})
		}
	}
	f.Outcomes = []scorecard.Outcome{o}
	got := judgeOne(t, f, "liveness")
	if got.Bad != 100 || got.Good != 30 || len(got.Evidence) != scorecard.MaxEvidence {
		t.Fatalf("%d bad, %d good, %d listed", got.Bad, got.Good, len(got.Evidence))
	}
	for i, e := range got.Evidence {
		want := scorecard.Evidence{File: "app/web.yaml", Line: i + 1, Object: "Deployment shop/web", Check: "k8s-a", Status: ops.Fail}
		if i >= 15 {
			want = scorecard.Evidence{File: "b.yaml", Line: i - 14, Status: ops.Pass}
		}
		if e != want {
			t.Errorf("place %d is %+v, want %+v", i, e, want)
		}
	}
}

func TestOverlaysCountOnce(t *testing.T) {
	f := facts(t, object("argoproj.io/v1alpha1", "Application", "a", argoApp))
	again := facts(t, strings.Replace(object("argoproj.io/v1alpha1", "Application", "a", argoApp), "namespace: shop", "namespace: prod", 1))
	f.Graphs = append(f.Graphs, again.Graphs...)
	if got := judgeOne(t, f, "pull-based-operator"); got.Good != 1 {
		t.Errorf("%d places: %+v", got.Good, got.Evidence)
	}
}

func TestSameFactsSameBytes(t *testing.T) {
	var all strings.Builder
	all.WriteString(web + code + dockerfile + tf + object("argoproj.io/v1alpha1", "Application", "a", argoLoose) + object("bitnami.com/v1alpha1", "SealedSecret", "db", "spec: {}") + object("external-secrets.io/v1", "ExternalSecret", "db", "spec: {}"))
	all.WriteString(workflow("      - run: semgrep scan\n      - run: gosec . || true\n      - run: make x"))
	var before []byte
	for range 10 {
		f := facts(t, all.String())
		f.Locate = nil
		got, err := json.Marshal(scorecard.Judge(f))
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && string(got) != string(before) {
			t.Fatal("two judgements of the same facts differ")
		}
		before = got
	}
}

func TestEmptyFacts(t *testing.T) {
	for _, j := range scorecard.Judge(scorecard.Facts{}) {
		if j.Status == scorecard.Implemented || j.Status == scorecard.Partly || j.Reason == "" || j.Evidence == nil {
			t.Errorf("%s of nothing: %s %q", j.ID, j.Status, j.Reason)
		}
	}
}

func TestWants(t *testing.T) {
	s := scorecard.NewScan()
	for p, want := range map[string]bool{
		".github/workflows/ci.yml": true, "go.mod": true, "a/requirements-dev.txt": true, "jest.config.js": true, "main.tf": true, "terragrunt.hcl": true, "Jenkinsfile.release": true,
		".circleci/config.yml": true, "main.go": false, "README.md": false, "vendor/x/go.mod": false, "x/.github/workflows/ci.yml": false,
	} {
		if s.Wants(p) != want {
			t.Errorf("Wants(%q) is not %v", p, want)
		}
	}
}

func FuzzLook(f *testing.F) {
	f.Add(".github/workflows/a.yml", []byte("on: push\njobs:\n a:\n  steps:\n  - run: x"))
	f.Add("main.tf", []byte("terraform {\n backend \"s3\" {}\n}}}"))
	f.Add("Chart.yaml", []byte("dependencies:\n- name: x"))
	f.Add("codecov.yml", []byte("target: 80%"))
	f.Fuzz(func(t *testing.T, p string, text []byte) {
		s := scorecard.NewScan()
		s.Look(p, text)
		scorecard.Judge(scorecard.Facts{Scan: s})
	})
}
