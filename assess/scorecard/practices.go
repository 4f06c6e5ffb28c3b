package scorecard

import "slices"

// Source is a place that evidence of a practice can come from.
type Source string

// The sources.
const (
	Repo    Source = "repo"    // files of a repository
	Cluster Source = "cluster" // objects of a running cluster
	Forge   Source = "forge"   // settings of the Git host
	Ledger  Source = "ledger"  // records of what happened
)

// Practice is one row of the scorecard: something that a well-run system does.
type Practice struct {
	// ID is the slug, unique among all practices.
	ID string
	// Area is the slug of the group of practices that this one belongs to.
	Area string
	// Title is a short heading.
	Title string
	// Looks is one sentence: what is the case where the practice is followed.
	Looks string
	// ShownBy lists where evidence can come from.
	ShownBy []Source
}

// Practices returns every practice, area by area in the order of reports.
func Practices() []Practice { return slices.Clone(practices) }

// practices is the whole scorecard.
var practices = []Practice{
	// Kubernetes security.
	{
		ID: "pod-security-restricted", Area: "kubernetes-security", Title: "Restricted pod security",
		Looks:   "Every namespace enforces the restricted level of the Pod Security Standards at a pinned version, and every workload passes it.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "least-privilege-containers", Area: "kubernetes-security", Title: "Least-privilege containers",
		Looks:   "Containers cannot gain privileges, run under a numeric id that is not root, drop all capabilities, have a read-only root file system with scratch volumes where they write, and use a seccomp profile.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "rbac-least-privilege", Area: "kubernetes-security", Title: "Least-privilege access rights",
		Looks:   "Roles name what they allow, nobody is an administrator without need, no chain of rights leads to more power, each workload has its own service account, and tokens are mounted only where they are used.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "network-default-deny", Area: "kubernetes-security", Title: "Default-deny network policies",
		Looks:   "Each namespace denies traffic in both directions by default, while the flows that the workloads need, DNS among them, are allowed.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "network-exposure-controlled", Area: "kubernetes-security", Title: "Controlled exposure",
		Looks:   "Whatever is reachable from outside uses TLS, no Service is exposed by accident, and nobody can inject configuration into the ingress controller.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "secrets-managed-outside-git", Area: "kubernetes-security", Title: "Secrets kept out of Git",
		Looks:   "Secret values come from a secret store, a CSI driver, or encrypted files such as Sealed Secrets and SOPS, and never lie readable in a Secret manifest, an environment variable or a ConfigMap.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "image-scanning", Area: "kubernetes-security", Title: "Image scanning",
		Looks:   "Images are scanned for known weaknesses before they are pushed and deployed, and what is found is fixed in the agreed time.",
		ShownBy: []Source{Repo, Forge, Ledger},
	},
	{
		ID: "image-signatures", Area: "kubernetes-security", Title: "Image signatures",
		Looks:   "The pipeline signs images and records how they were built, and the cluster checks both before it runs them.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "immutable-images", Area: "kubernetes-security", Title: "Immutable images",
		Looks:   "Images are referred to by digest or by a tag that never moves, and come from allowed registries.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "runtime-monitoring", Area: "kubernetes-security", Title: "Runtime monitoring",
		Looks:   "A sensor such as Falco, Tetragon or our own runs on every node, and its alerts reach somebody.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "cis-benchmark", Area: "kubernetes-security", Title: "Cluster hardening benchmark",
		Looks:   "kube-bench or an equal set of checks compares the cluster with the CIS benchmark on a schedule.",
		ShownBy: []Source{Cluster},
	},
	{
		ID: "policy-at-admission", Area: "kubernetes-security", Title: "Policy at admission",
		Looks:   "Gatekeeper, Kyverno or ValidatingAdmissionPolicy rules are bound to what they guard and refuse what breaks them.",
		ShownBy: []Source{Repo, Cluster},
	},

	// Kubernetes resources.
	{
		ID: "requests-and-limits", Area: "kubernetes-resources", Title: "Requests and limits",
		Looks:   "Every container states how much processor, memory and ephemeral storage it needs and may use.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "guaranteed-qos-for-critical", Area: "kubernetes-resources", Title: "Guaranteed quality of service for critical workloads",
		Looks:   "Critical workloads request exactly what they are limited to, so that they are the last to be evicted.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "autoscaling", Area: "kubernetes-resources", Title: "Autoscaling",
		Looks:   "Workloads scale on a metric that exists, nodes scale with them, and no two scalers fight over the same value.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "availability", Area: "kubernetes-resources", Title: "Availability",
		Looks:   "Services run in several replicas spread over nodes and zones, disruption budgets protect them without blocking maintenance, and namespaces have quotas and limit ranges.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "wiring", Area: "kubernetes-resources", Title: "Wiring",
		Looks:   "Every reference resolves: Services, ports, Ingresses, routes, ConfigMaps, Secrets and scaling targets all point at something that exists.",
		ShownBy: []Source{Repo, Cluster},
	},

	// Health checks.
	{
		ID: "liveness", Area: "health-checks", Title: "Liveness probes",
		Looks:   "Containers that can hang have a liveness probe, different from their readiness probe and tuned to how the application behaves, and the grace period leaves time to stop.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "readiness", Area: "health-checks", Title: "Readiness probes",
		Looks:   "Containers that serve traffic have a readiness probe, so that requests reach only pods that can answer.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "startup", Area: "health-checks", Title: "Startup probes",
		Looks:   "Containers that start slowly have a startup probe that allows for the slowest start, so that the liveness probe does not stop them too early.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "named-ports", Area: "health-checks", Title: "Named ports",
		Looks:   "Probes and Services refer to container ports by name, so that a port number can change in one place.",
		ShownBy: []Source{Repo, Cluster},
	},

	// Observability.
	{
		ID: "metrics", Area: "observability", Title: "Metrics",
		Looks:   "Prometheus scrapes every workload, by annotations or by a ServiceMonitor or PodMonitor that really selects it.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "long-term-metrics", Area: "observability", Title: "Long-term metrics",
		Looks:   "Metrics outlive the local Prometheus through Thanos, Mimir or remote write.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "logs", Area: "observability", Title: "Logs",
		Looks:   "A collector on every node ships structured logs with trace ids to Loki, Elasticsearch or a similar store.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "traces", Area: "observability", Title: "Traces",
		Looks:   "Services are instrumented with OpenTelemetry, pass the trace context on, and send traces to Tempo, Jaeger or a similar store.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "consistent-labels", Area: "observability", Title: "Consistent labels",
		Looks:   "Metrics, logs and traces carry the same service, environment and instance labels, so that one key joins them.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "persistent-telemetry-storage", Area: "observability", Title: "Persistent telemetry storage",
		Looks:   "Loki, Tempo and Prometheus keep their data on volumes that survive a restart.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "dashboards", Area: "observability", Title: "Dashboards as code",
		Looks:   "Grafana dashboards and data sources are kept as code and link metrics, logs and traces to one another.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "alerting", Area: "observability", Title: "Alerting",
		Looks:   "Alert rules parse, match series that exist, are routed to somebody, and each has a runbook.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "slos", Area: "observability", Title: "Service level objectives",
		Looks:   "Services that users depend on have objectives, and alerts warn when their error budget burns too fast.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "anomaly-detection", Area: "observability", Title: "Anomaly detection",
		Looks:   "A detector watches latency, traffic, errors and saturation for unusual behaviour.",
		ShownBy: []Source{Cluster},
	},
	{
		ID: "auto-remediation", Area: "observability", Title: "Automatic remediation",
		Looks:   "Playbooks are enabled within a policy, and their results are recorded.",
		ShownBy: []Source{Cluster, Ledger},
	},

	// GitOps.
	{
		ID: "declarative-everything", Area: "gitops", Title: "Everything declared",
		Looks:   "Every object that runs in a managed namespace is in Git.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "manifests-separated", Area: "gitops", Title: "Manifests apart from code",
		Looks:   "Manifests live apart from the application's code, in their own repository or in a clear folder of their own.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "environments-separated", Area: "gitops", Title: "Environments apart",
		Looks:   "Staging and production have overlays of their own, and no overlay quietly weakens what its base sets.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "immutable-references", Area: "gitops", Title: "Immutable references",
		Looks:   "What is deployed is named by commit, digest or exact version, never by a branch head or a tag that moves.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "overlays", Area: "gitops", Title: "Overlays for differences",
		Looks:   "Kustomize or Helm expresses what differs between environments, and everything renders.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "pull-based-operator", Area: "gitops", Title: "Pull-based operator",
		Looks:   "Argo CD, Flux or aeod pulls the state from Git, and only its service account writes to the cluster.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "automated-sync-and-self-heal", Area: "gitops", Title: "Automated sync and self-healing",
		Looks:   "Syncing is automatic, removes what is gone from Git within limits, undoes changes made by hand, and waits for health.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "promotion-by-pull-request", Area: "gitops", Title: "Promotion by pull request",
		Looks:   "Changes reach production through a reviewed pull request.",
		ShownBy: []Source{Forge, Ledger},
	},
	{
		ID: "rollback-by-git", Area: "gitops", Title: "Rollback through Git",
		Looks:   "A rollback is a commit, and one has been made or rehearsed.",
		ShownBy: []Source{Forge, Ledger},
	},
	{
		ID: "protected-repository", Area: "gitops", Title: "Protected repository",
		Looks:   "The main branch is protected: others review each change, owners are named, commits are signed, and history cannot be rewritten.",
		ShownBy: []Source{Forge},
	},
	{
		ID: "pipeline-observability", Area: "gitops", Title: "Observable delivery",
		Looks:   "Failed syncs and drift are measured, and somebody is alerted to them.",
		ShownBy: []Source{Cluster},
	},

	// Progressive delivery.
	{
		ID: "canary", Area: "progressive-delivery", Title: "Canary releases",
		Looks:   "New versions receive a small share of the traffic first, and an analysis decides whether they go on.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "blue-green", Area: "progressive-delivery", Title: "Blue-green releases",
		Looks:   "A new version runs beside the old one, and traffic switches to it once an analysis has found it healthy.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "automated-rollback", Area: "progressive-delivery", Title: "Automated rollback",
		Looks:   "A failed analysis or health check puts the last good version back without waiting for a person.",
		ShownBy: []Source{Repo, Cluster, Ledger},
	},

	// Compliance.
	{
		ID: "control-mapping", Area: "compliance", Title: "Control mapping",
		Looks:   "Findings and practices are mapped to SOC 2, ISO 27001, PCI DSS, GDPR and HIPAA.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "continuous-evidence", Area: "compliance", Title: "Continuous evidence",
		Looks:   "Evidence is collected on a schedule and shows how old it is.",
		ShownBy: []Source{Cluster, Ledger},
	},
	{
		ID: "audit-log", Area: "compliance", Title: "Audit log",
		Looks:   "A log that cannot be altered unseen says who changed what and when, and the API server's audit policy is on.",
		ShownBy: []Source{Ledger, Cluster},
	},
	{
		ID: "data-residency", Area: "compliance", Title: "Data residency",
		Looks:   "The regions of nodes, volumes, buckets and outgoing traffic are declared and kept to.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "encryption", Area: "compliance", Title: "Encryption",
		Looks:   "Data is encrypted where it is stored, in secrets, volumes and buckets, and where it travels.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "segmentation", Area: "compliance", Title: "Segmentation",
		Looks:   "Workloads that handle payment or personal data are isolated from the others.",
		ShownBy: []Source{Repo, Cluster},
	},
	{
		ID: "retention-and-erasure", Area: "compliance", Title: "Retention and erasure",
		Looks:   "Each kind of data has a retention class, erasure is carried out, and legal holds are respected.",
		ShownBy: []Source{Ledger},
	},

	// Infrastructure as code.
	{
		ID: "modules", Area: "iac", Title: "Modules",
		Looks:   "Infrastructure is built from focused, versioned and documented modules, none of which does everything.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "pinned-versions", Area: "iac", Title: "Pinned versions",
		Looks:   "Terraform, its providers and its modules have fixed versions, and the lock file is committed.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "remote-state", Area: "iac", Title: "Remote state",
		Looks:   "State lives in a remote backend that is encrypted, locked, hardened and separate for each environment.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "no-secrets-in-code", Area: "iac", Title: "No secrets in code",
		Looks:   "No secret is in files, state or outputs, and outputs that carry one are marked sensitive.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "least-privilege-identities", Area: "iac", Title: "Least-privilege identities",
		Looks:   "Cloud roles and the trust given to the pipeline are as narrow as the work allows.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "secure-resources", Area: "iac", Title: "Secure resources",
		Looks:   "Storage, networks, databases and clusters are declared with secure settings.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "pre-commit-and-linting", Area: "iac", Title: "Pre-commit hooks and linting",
		Looks:   "Formatting, validation and a linter or scanner run before each commit and again in the pipeline.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "tested", Area: "iac", Title: "Tested infrastructure",
		Looks:   "Infrastructure code is validated, planned in the pipeline, tested in integration, and its plans are checked against policy.",
		ShownBy: []Source{Repo, Ledger},
	},
	{
		ID: "consistent-naming", Area: "iac", Title: "Consistent naming",
		Looks:   "Resources, variables and tags follow one naming convention.",
		ShownBy: []Source{Repo},
	},

	// CI security.
	{
		ID: "sast", Area: "ci-security", Title: "Static code analysis",
		Looks:   "A static analyser such as Semgrep, CodeQL or gosec looks at every pull request.",
		ShownBy: []Source{Repo, Ledger},
	},
	{
		ID: "dependency-scanning", Area: "ci-security", Title: "Dependency scanning",
		Looks:   "Dependencies are checked for known weaknesses and updated by a tool, and its updates get merged.",
		ShownBy: []Source{Repo, Forge, Ledger},
	},
	{
		ID: "secret-detection", Area: "ci-security", Title: "Secret detection",
		Looks:   "Pushes are scanned for secrets, and the history holds none.",
		ShownBy: []Source{Repo, Forge},
	},
	{
		ID: "container-scanning", Area: "ci-security", Title: "Container scanning",
		Looks:   "Container images are scanned in the pipeline before they are pushed.",
		ShownBy: []Source{Repo, Ledger},
	},
	{
		ID: "iac-scanning", Area: "ci-security", Title: "Infrastructure scanning",
		Looks:   "This tool or a similar scanner checks infrastructure code on every change.",
		ShownBy: []Source{Repo, Ledger},
	},
	{
		ID: "dast", Area: "ci-security", Title: "Dynamic testing",
		Looks:   "A scanner such as ZAP attacks a running test system before a version reaches production.",
		ShownBy: []Source{Repo, Ledger},
	},
	{
		ID: "sbom", Area: "ci-security", Title: "Bills of materials",
		Looks:   "Each artefact has a list of its components in CycloneDX or SPDX form.",
		ShownBy: []Source{Repo, Ledger},
	},
	{
		ID: "signing-and-provenance", Area: "ci-security", Title: "Signing and provenance",
		Looks:   "Artefacts are signed and carry a record of how they were built.",
		ShownBy: []Source{Repo, Ledger},
	},
	{
		ID: "hardened-workflows", Area: "ci-security", Title: "Hardened workflows",
		Looks:   "Workflows pin their actions, have only the permissions they need, cannot be injected into, and deploy through protected environments.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "prioritised-findings", Area: "ci-security", Title: "Prioritised findings",
		Looks:   "Weaknesses that can be reached and exploited come first, and deadlines are kept.",
		ShownBy: []Source{Ledger},
	},
	{
		ID: "feedback-in-the-pull-request", Area: "ci-security", Title: "Feedback in the pull request",
		Looks:   "Results appear as annotations or comments in the pull request, not only in a log.",
		ShownBy: []Source{Repo},
	},

	// Containers.
	{
		ID: "image-build-hygiene", Area: "containers", Title: "Image build hygiene",
		Looks:   "Dockerfiles start from pinned small bases, do not run as root, carry no secrets, and leave build tools behind.",
		ShownBy: []Source{Repo},
	},

	// Testing.
	{
		ID: "coverage-threshold", Area: "testing", Title: "Coverage threshold",
		Looks:   "Test coverage is measured, and the pipeline enforces a minimum.",
		ShownBy: []Source{Repo, Ledger},
	},
	{
		ID: "test-types", Area: "testing", Title: "Kinds of tests",
		Looks:   "There are unit, integration, end-to-end and performance tests.",
		ShownBy: []Source{Repo, Ledger},
	},
	{
		ID: "parallel-tests", Area: "testing", Title: "Parallel tests",
		Looks:   "The pipeline runs tests in parallel, over a matrix or in shards.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "tests-gate-merges", Area: "testing", Title: "Tests gate merges",
		Looks:   "A change can be merged only when its required checks have passed.",
		ShownBy: []Source{Forge, Ledger},
	},

	// Review.
	{
		ID: "automated-review", Area: "review", Title: "Automated review",
		Looks:   "Static analysis comments on pull requests by itself.",
		ShownBy: []Source{Repo},
	},
	{
		ID: "human-review", Area: "review", Title: "Human review",
		Looks:   "Somebody other than the author approves each change.",
		ShownBy: []Source{Forge, Ledger},
	},
}
