package health

// silentKinds are custom resources that never write a status, or none that says
// how they are.
func silentKinds() []string {
	return []string{
		"argoproj.io: AppProject AnalysisTemplate ClusterAnalysisTemplate WorkflowTemplate ClusterWorkflowTemplate WorkflowEventBinding",
		"notification.toolkit.fluxcd.io: Alert Provider",
		"autoecoops.io: Release",
		"monitoring.coreos.com: ServiceMonitor PodMonitor Probe PrometheusRule AlertmanagerConfig ScrapeConfig",
		"traefik.io: *", "traefik.containo.us: *",
		"keda.sh: TriggerAuthentication ClusterTriggerAuthentication",
		"kyverno.io: PolicyException ClusterPolicyException GlobalContextEntry", "wgpolicyk8s.io: PolicyReport ClusterPolicyReport",
		"reports.kyverno.io: *", "config.gatekeeper.sh: Config", "mutations.gatekeeper.sh: *", "constraints.gatekeeper.sh: *",
		"snapshot.storage.k8s.io: VolumeSnapshotClass", "groupsnapshot.storage.k8s.io: VolumeGroupSnapshotClass",
		"secrets-store.csi.x-k8s.io: SecretProviderClass SecretProviderClassPodStatus",
		"generators.external-secrets.io: *",
		"gateway.networking.k8s.io: ReferenceGrant", "gateway.envoyproxy.io: EnvoyProxy",
		"metallb.io: IPAddressPool L2Advertisement BGPAdvertisement BGPPeer BFDProfile Community ConfigurationState", "frrk8s.metallb.io: FRRNodeState FRRConfiguration",
		"linkerd.io: ServiceProfile", "policy.linkerd.io: Server ServerAuthorization AuthorizationPolicy MeshTLSAuthentication NetworkAuthentication",
		"dapr.io: Component Subscription Configuration Resiliency HTTPEndpoint",
		"tekton.dev: Pipeline Task ClusterTask StepAction", "triggers.tekton.dev: Trigger TriggerBinding TriggerTemplate ClusterTriggerBinding Interceptor ClusterInterceptor",
		"getambassador.io: *", "elbv2.k8s.aws: TargetGroupBinding IngressClassParams",
		"cloud.google.com: BackendConfig", "networking.gke.io: FrontendConfig",
		"operators.coreos.com: OperatorGroup OperatorCondition",
		"longhorn.io: RecurringJob Setting", "kueue.x-k8s.io: ResourceFlavor WorkloadPriorityClass Topology",
		"apiextensions.crossplane.io: Composition CompositionRevision EnvironmentConfig", "pkg.crossplane.io: DeploymentRuntimeConfig ControllerConfig ImageConfig",
		"flagger.app: MetricTemplate AlertProvider", "kargo.akuity.io: Project ProjectConfig Freight PromotionTask ClusterPromotionTask",
		"externaldns.k8s.io: DNSEndpoint", "externaldns.nginx.org: DNSEndpoint",
		"cluster.x-k8s.io: ClusterClass", "bootstrap.cluster.x-k8s.io: KubeadmConfigTemplate", "controlplane.cluster.x-k8s.io: KubeadmControlPlaneTemplate",
	}
}
