package health

// flux is how all controllers of Flux report: Ready=False with Reconciling and
// the reason ProgressingWithRetry is a failure that is being tried again.
const (
	fluxWrong = "Stalled=True"
	fluxBusy  = "Reconciling=True:!ProgressingWithRetry"
)

func fluxJudge() func(object) Health {
	return recipe{wrong: fluxWrong, busy: fluxBusy, ready: "Ready"}.compile().judge
}

// fed is a recipe of a Go rule only.
func fed(kinds string, judge func(object) Health) recipe { return recipe{kinds: kinds, also: judge} }

// catalogue lists what is known of custom resources.
func catalogue() []recipe {
	all := delivery()
	all = append(all, secrets()...)
	all = append(all, networks()...)
	all = append(all, data()...)
	return append(all, platform()...)
}

// delivery: tools that bring software to the cluster.
func delivery() []recipe {
	return []recipe{
		fed("argoproj.io: Application", argoApplication),
		{kinds: "argoproj.io: ApplicationSet", wrong: "ErrorOccurred=True ResourcesUpToDate=False", busy: "RolloutProgressing=True", ready: "ResourcesUpToDate"},
		fed("argoproj.io: Rollout", argoRollout),
		{kinds: "argoproj.io: AnalysisRun Experiment", phase: "status.phase", good: "Successful", bad: "Failed|Error", unsure: "Inconclusive"},
		{kinds: "argoproj.io: Workflow", hold: "spec.suspend", phase: "status.phase", good: "Succeeded", bad: "Failed|Error"},
		{kinds: "argoproj.io: CronWorkflow", hold: "spec.suspend", wrong: "SpecError=True SubmissionError=True", mute: true},
		{kinds: "argoproj.io: EventBus EventSource Sensor", ready: "Deployed"},
		{kinds: "argoproj.io: ArgoCD", phase: "status.phase", good: "Available", bad: "Failed"},
		{kinds: "kustomize.toolkit.fluxcd.io: Kustomization; helm.toolkit.fluxcd.io: HelmRelease; source.toolkit.fluxcd.io: GitRepository OCIRepository HelmChart Bucket ExternalArtifact; image.toolkit.fluxcd.io: ImageRepository ImagePolicy ImageUpdateAutomation; notification.toolkit.fluxcd.io: Receiver; fluxcd.controlplane.io: FluxInstance ResourceSet ResourceSetInputProvider",
			hold: "spec.suspend", wrong: fluxWrong, busy: fluxBusy, ready: "Ready"},
		{kinds: "source.toolkit.fluxcd.io: HelmRepository", hold: "spec.suspend", also: helmRepository},
		{kinds: "flagger.app: Canary", hold: "spec.suspend", phase: "status.phase", good: "Initialized|Succeeded", bad: "Failed"},
		{kinds: "rollouts.kruise.io: Rollout", hold: "spec.disabled", phase: "status.phase", good: "Healthy", bad: "Disabling|Disabled"},
		fed("apps.kruise.io: CloneSet StatefulSet", cloneSet),
		fed("apps.kruise.io: DaemonSet", daemonSet),
		{kinds: "apps.kruise.io: BroadcastJob", hold: "spec.paused", phase: "status.phase", good: "completed", bad: "failed", held: "paused"},
		{kinds: "apps.kruise.io: AdvancedCronJob", hold: "spec.paused", mute: true},
		{kinds: "tekton.dev: PipelineRun TaskRun CustomRun", ready: "Succeeded"},
		{kinds: "triggers.tekton.dev: EventListener", ready: "Ready"},
		{kinds: "kargo.akuity.io: Stage Warehouse", wrong: "Stalled=True", busy: "Reconciling=True Promoting=True", ready: "Ready"},
		{kinds: "kargo.akuity.io: Promotion", phase: "status.phase", good: "Succeeded", bad: "Failed|Errored|Aborted"},
		{kinds: "promoter.argoproj.io: ScmProvider ClusterScmProvider GitRepository PromotionStrategy ChangeTransferPolicy CommitStatus PullRequest ArgoCDCommitStatus GitCommitStatus TimedCommitStatus WebRequestCommitStatus", ready: "Ready"},
		{kinds: "operators.coreos.com: ClusterServiceVersion", phase: "status.phase", good: "Succeeded", bad: "Failed"},
		{kinds: "operators.coreos.com: InstallPlan", phase: "status.phase", good: "Complete", bad: "Failed", held: "RequiresApproval"},
		{kinds: "operators.coreos.com: CatalogSource", phase: "status.connectionState.lastObservedState", good: "READY", bad: "TRANSIENT_FAILURE"},
		{kinds: "operators.coreos.com: Subscription", wrong: "CatalogSourcesUnhealthy=True InstallPlanFailed=True ResolutionFailed=True InstallPlanMissing=True:!ReferencedInstallPlanNotFound",
			phase: "status.state", good: "AtLatestKnown", bad: "UpgradeFailed"},
		{kinds: "autoecoops.io: Application", ready: "Ready", not: Progressing},
		{kinds: "pulumi.com: Stack", wrong: "Stalled=True", busy: "Reconciling=True", ready: "Ready"},
		{kinds: "infra.contrib.fluxcd.io: Terraform", hold: "spec.suspend", wrong: fluxWrong, busy: fluxBusy, ready: "Ready"},
	}
}

// secrets: certificates, secrets, identities and policies.
func secrets() []recipe {
	return []recipe{
		{kinds: "cert-manager.io: Certificate; certmanager.k8s.io: Certificate", wrong: "Issuing=False:Failed", busy: "Issuing=True", ready: "Ready"},
		{kinds: "cert-manager.io: Issuer ClusterIssuer; certmanager.k8s.io: Issuer ClusterIssuer", ready: "Ready"},
		{kinds: "cert-manager.io: CertificateRequest", wrong: "Denied=True InvalidRequest=True", busy: "Ready=False:Pending", ready: "Ready"},
		{kinds: "acme.cert-manager.io: Order Challenge", phase: "status.state", good: "valid", bad: "invalid|expired|errored"},
		{kinds: "trust.cert-manager.io: Bundle", ready: "Synced"},
		{kinds: "external-secrets.io: ExternalSecret SecretStore ClusterSecretStore PushSecret ClusterPushSecret", ready: "Ready"},
		fed("external-secrets.io: ClusterExternalSecret", clusterExternalSecret),
		{kinds: "bitnami.com: SealedSecret", ready: "Synced"},
		{kinds: "onepassword.com: OnePasswordItem", ready: "Ready"},
		{kinds: "kyverno.io: ClusterPolicy Policy", busy: "Ready=False", ready: "Ready"},
		{kinds: "kyverno.io: CleanupPolicy ClusterCleanupPolicy", ready: "Ready", mute: true},
		{kinds: "templates.gatekeeper.sh: ConstraintTemplate", also: func(o object) Health {
			if o.sub("status").flag("created") {
				return Health{Status: Healthy}
			}
			return unseen()
		}},
		{kinds: "k8s.keycloak.org: Keycloak", wrong: "HasErrors=True", ready: "Ready", not: Progressing},
		{kinds: "k8s.keycloak.org: KeycloakRealmImport", wrong: "HasErrors=True", ready: "Done", not: Progressing},
		fed("networking.gke.io: ManagedCertificate", managedCertificate),
	}
}

// networks: gateways, meshes and addresses.
func networks() []recipe {
	return []recipe{
		fed("gateway.networking.k8s.io: HTTPRoute GRPCRoute TLSRoute TCPRoute UDPRoute; policy.linkerd.io: HTTPRoute", attached("parents")),
		fed("gateway.networking.k8s.io: BackendTLSPolicy XBackendTrafficPolicy; gateway.envoyproxy.io: ClientTrafficPolicy BackendTrafficPolicy SecurityPolicy EnvoyExtensionPolicy EnvoyPatchPolicy", attached("ancestors")),
		fed("gateway.networking.k8s.io: Gateway ListenerSet; gateway.networking.x-k8s.io: XListenerSet", gateway),
		{kinds: "gateway.networking.k8s.io: GatewayClass", busy: "Accepted=False:Waiting,Pending", ready: "Accepted"},
		{kinds: "projectcontour.io: HTTPProxy ExtensionService", ready: "Valid"},
		fed("gateway.solo.io: Gateway MatchableHttpGateway RouteOption RouteTable VirtualHostOption VirtualService; gloo.solo.io: Proxy Settings Upstream UpstreamGroup", gloo),
		{kinds: "cilium.io: CiliumNetworkPolicy CiliumClusterwideNetworkPolicy", ready: "Valid", mute: true},
		{kinds: "networking.istio.io: *; security.istio.io: *; telemetry.istio.io: *; extensions.istio.io: *", ready: "Reconciled", not: Progressing, mute: true},
		{kinds: "sailoperator.io: Istio IstioRevision IstioCNI ZTunnel", wrong: "Reconciled=False", ready: "Ready", not: Progressing},
		{kinds: "install.istio.io: IstioOperator", phase: "status.status", good: "HEALTHY", bad: "ERROR"},
		{kinds: "configuration.konghq.com: KongConsumer KongPlugin KongClusterPlugin KongConsumerGroup TCPIngress UDPIngress", ready: "Programmed", mute: true},
		fed("route.openshift.io: Route", openshiftRoute),
		{kinds: "serving.knative.dev: Service Route Configuration Revision; eventing.knative.dev: Broker Trigger; messaging.knative.dev: Channel Subscription InMemoryChannel; flows.knative.dev: Sequence Parallel; sources.knative.dev: ApiServerSource PingSource SinkBinding ContainerSource", ready: "Ready"},
		{kinds: "operator.knative.dev: KnativeServing KnativeEventing", ready: "Ready", not: Progressing},
	}
}

// data: databases, queues, storage and backups.
func data() []recipe {
	return []recipe{
		{kinds: "kafka.strimzi.io: Kafka KafkaConnect KafkaBridge KafkaMirrorMaker2 KafkaConnector KafkaTopic KafkaUser", hold: "metadata.annotations.strimzi.io/pause-reconciliation",
			still: "ReconciliationPaused=True", wrong: "NotReady=True:!Creating", busy: "NotReady=True:Creating", ready: "Ready"},
		{kinds: "kafka.strimzi.io: KafkaNodePool", wrong: "NotReady=True:!Creating", mute: true},
		{kinds: "postgresql.cnpg.io: Cluster", hold: "metadata.annotations.cnpg.io/reconciliationLoop=disabled", still: "cnpg.io/hibernation=True",
			phase: "status.phase", good: "Cluster in healthy state",
			bad: "Unable to create required cluster objects|Cluster cannot proceed to reconciliation due to an unknown plugin being required|Cluster has incomplete or invalid image catalog|Cluster is unrecoverable and needs manual intervention|Cluster cannot execute instance online upgrade due to missing architecture binary|Waiting for user action|Not enough disk space"},
		{kinds: "postgresql.cnpg.io: Backup", phase: "status.phase", good: "completed", bad: "failed|walArchivingFailing"},
		{kinds: "postgresql.cnpg.io: ScheduledBackup", hold: "spec.suspend", mute: true},
		fed("postgresql.cnpg.io: Database Publication Subscription", applied),
		{kinds: "acid.zalan.do: postgresql", phase: "status.PostgresClusterStatus", good: "Running", bad: "CreateFailed|UpdateFailed|SyncFailed|CreateAddFailed|Invalid"},
		{kinds: "pxc.percona.com: PerconaXtraDBCluster; psmdb.percona.com: PerconaServerMongoDB; ps.percona.com: PerconaServerMySQL; pgv2.percona.com: PerconaPGCluster", hold: "spec.pause", phase: "status.state", good: "ready", bad: "error", held: "paused", unsure: "unknown"},
		fed("postgres-operator.crunchydata.com: PostgresCluster", crunchy),
		{kinds: "k8s.mariadb.com: MariaDB; mariadb.mmontes.io: MariaDB", wrong: "Ready=False:Failed", ready: "Ready", not: Progressing},
		{kinds: "k8s.mariadb.com: Database User Grant Connection", ready: "Ready"},
		{kinds: "k8s.mariadb.com: Backup Restore SqlJob", wrong: "Complete=True:JobFailed Complete=False:JobFailed,Failed", ready: "Complete", not: Progressing},
		{kinds: "mysql.oracle.com: InnoDBCluster", phase: "status.cluster.status", good: "ONLINE", bad: "OFFLINE|NO_QUORUM|INVALID", unsure: "UNKNOWN"},
		{kinds: "mongodbcommunity.mongodb.com: MongoDBCommunity; mongodb.com: MongoDB MongoDBOpsManager", phase: "status.phase", good: "Running", bad: "Failed"},
		{kinds: "cassandra.datastax.com: CassandraDatacenter", hold: "spec.stopped", wrong: "Valid=False", phase: "status.cassandraOperatorProgress", good: "Ready", ready: "Ready", not: Progressing},
		{kinds: "clickhouse.altinity.com: ClickHouseInstallation; clickhouse-keeper.altinity.com: ClickHouseKeeperInstallation", hold: "spec.stop", phase: "status.status", good: "Completed", bad: "Aborted|Failed"},
		{kinds: "dragonflydb.io: Dragonfly", phase: "status.phase", good: "ready|Ready", bad: "error"},
		{kinds: "app.redislabs.com: RedisEnterpriseCluster RedisEnterpriseDatabase", phase: "status.state", good: "Running|active", bad: "Error|Invalid"},
		{kinds: "elasticsearch.k8s.elastic.co: Elasticsearch", phase: "status.phase", good: "Ready", bad: "Invalid", also: elasticsearch},
		{kinds: "kibana.k8s.elastic.co: Kibana; apm.k8s.elastic.co: ApmServer; agent.k8s.elastic.co: Agent; beat.k8s.elastic.co: Beat; logstash.k8s.elastic.co: Logstash; maps.k8s.elastic.co: ElasticMapsServer; enterprisesearch.k8s.elastic.co: EnterpriseSearch", phase: "status.health", good: "green", bad: "red"},
		{kinds: "opensearch.opster.io: OpenSearchCluster", phase: "status.phase", good: "RUNNING", bad: "ERROR", also: elasticsearch},
		{kinds: "rabbitmq.com: RabbitmqCluster", wrong: "ReconcileSuccess=False", ready: "ClusterAvailable AllReplicasReady", not: Progressing},
		{kinds: "rabbitmq.com: Queue Exchange Binding User Vhost Policy OperatorPolicy Permission TopicPermission Shovel Federation SchemaReplication SuperStream", ready: "Ready"},
		fed("minio.min.io: Tenant", minio),
		fed("ceph.rook.io: CephCluster", cephCluster),
		{kinds: "ceph.rook.io: CephBlockPool CephFilesystem CephObjectStore CephObjectStoreUser CephNFS CephRBDMirror CephClient", phase: "status.phase", good: "Ready|Connected", bad: "Failure|Failed"},
		{kinds: "objectbucket.io: ObjectBucketClaim ObjectBucket", phase: "status.phase", good: "Bound|bound", bad: "Failed|failed"},
		fed("snapshot.storage.k8s.io: VolumeSnapshot VolumeSnapshotContent; groupsnapshot.storage.k8s.io: VolumeGroupSnapshot VolumeGroupSnapshotContent", snapshot),
		fed("longhorn.io: Volume", longhornVolume),
		{kinds: "longhorn.io: Node", ready: "Ready Schedulable", not: Progressing},
		{kinds: "longhorn.io: Backup Snapshot", phase: "status.state", good: "Completed|", bad: "Error", unsure: "Unknown", mute: true},
		{kinds: "trident.netapp.io: TridentBackendConfig", phase: "status.lastOperationStatus", good: "Success", bad: "Failed"},
		{kinds: "trident.netapp.io: TridentOrchestrator", phase: "status.status", good: "Installed", bad: "Failed|Error"},
		{kinds: "kafka.banzaicloud.io: KafkaCluster", phase: "status.state", good: "ClusterRunning", also: brokers},
		{kinds: "numaflow.numaproj.io: Pipeline MonoVertex Vertex InterStepBufferService", phase: "status.phase", good: "Running|Paused", bad: "Failed|Unknown", wrong: "PodsHealthy=False SideInputsManagersHealthy=False VerticesHealthy=False DaemonServiceHealthy=False ChildrenResourcesHealthy=False"},
		{kinds: "velero.io: Backup Restore", phase: "status.phase", good: "Completed", bad: "Failed|PartiallyFailed|FailedValidation|FinalizingPartiallyFailed|WaitingForPluginOperationsPartiallyFailed"},
		{kinds: "velero.io: Schedule", hold: "spec.paused", phase: "status.phase", good: "Enabled", bad: "FailedValidation"},
		{kinds: "velero.io: BackupStorageLocation", phase: "status.phase", good: "Available", bad: "Unavailable"},
		{kinds: "velero.io: BackupRepository", phase: "status.phase", good: "Ready", bad: "NotReady"},
		{kinds: "velero.io: VolumeSnapshotLocation", phase: "status.phase", good: "Available", bad: "Unavailable", mute: true},
		{kinds: "sparkoperator.k8s.io: SparkApplication", phase: "status.applicationState.state", good: "COMPLETED|RUNNING", bad: "FAILED|SUBMISSION_FAILED|FAILING|INVALIDATING", unsure: "UNKNOWN"},
		{kinds: "flink.apache.org: FlinkDeployment FlinkSessionJob", phase: "status.lifecycleState", good: "STABLE", bad: "FAILED", held: "SUSPENDED"},
		{kinds: "ray.io: RayCluster", hold: "spec.suspend", phase: "status.state", good: "ready", bad: "failed", held: "suspended"},
		{kinds: "solr.apache.org: SolrCloud; zookeeper.pravega.io: ZookeeperCluster", also: replicated},
	}
}

// platform: clusters, machines, cloud resources, autoscaling and observability.
func platform() []recipe {
	return []recipe{
		{kinds: "cluster.x-k8s.io: Cluster", hold: "spec.paused", phase: "status.phase", good: "Provisioned", bad: "Failed", unsure: "Unknown", also: severe},
		{kinds: "cluster.x-k8s.io: Machine MachineDeployment MachineSet MachinePool", hold: "spec.paused metadata.annotations.cluster.x-k8s.io/paused=true", phase: "status.phase", good: "Running", bad: "Failed", unsure: "Unknown"},
		{kinds: "cluster.x-k8s.io: MachineHealthCheck", wrong: "RemediationAllowed=False", ready: "RemediationAllowed", also: machinesHealthy},
		{kinds: "controlplane.cluster.x-k8s.io: KubeadmControlPlane", still: "Paused=True", also: controlPlane},
		{kinds: "karpenter.sh: NodePool NodeClaim; karpenter.k8s.aws: EC2NodeClass; karpenter.azure.com: AKSNodeClass", ready: "Ready", not: Progressing},
		{kinds: "pkg.crossplane.io: Provider Configuration Function", busy: "Installed=False:InactivePackageRevision Installed=Unknown Healthy=Unknown", ready: "Installed Healthy"},
		{kinds: "apiextensions.crossplane.io: CompositeResourceDefinition", ready: "Established"},
		{kinds: "*.crossplane.io/*; *.upbound.io/*", hold: "metadata.annotations.crossplane.io/paused=true", still: "Synced=False:ReconcilePaused", wrong: "Synced=False LastAsyncOperation=False", busy: "Ready=False:Creating,Deleting,Unavailable", ready: "Synced Ready"},
		{kinds: "*.services.k8s.aws/*", wrong: "ACK.Terminal=True ACK.Recoverable=True", ready: "ACK.ResourceSynced", not: Progressing},
		fed("core.cnrm.cloud.google.com: ConfigConnector ConfigConnectorContext", configConnector),
		{kinds: "*.cnrm.cloud.google.com/*", hold: "metadata.annotations.cnrm.cloud.google.com/reconcile-interval-in-seconds=0", wrong: "Ready=False:UpdateFailed,DependencyInvalid,DependencyNotFound,ManagementConflict,PreActuationTransformFailed,DeleteFailed", ready: "Ready", not: Progressing},
		{kinds: "*.azure.com/*", still: "Ready=False:ReconciliationPaused", wrong: "Ready=False:Failed,AzureResourceNotFound,AuthorizationFailed", ready: "Ready", not: Progressing},
		{kinds: "infrastructure.cluster.x-k8s.io: *", still: "Paused=True", ready: "Ready", not: Progressing},
		{kinds: "kubevirt.io: VirtualMachine", also: virtualMachine},
		{kinds: "kubevirt.io: VirtualMachineInstance", still: "Paused=True", phase: "status.phase", good: "Running|Succeeded", bad: "Failed", unsure: "Unknown", ready: "Ready", not: Progressing},
		{kinds: "cdi.kubevirt.io: DataVolume", wrong: "Running=False:Error", phase: "status.phase", good: "Succeeded", bad: "Failed|Unknown", held: "Paused|WaitForFirstConsumer|PendingPopulation"},
		{kinds: "keda.sh: ScaledObject ScaledJob", hold: "metadata.annotations.autoscaling.keda.sh/paused", wrong: "Ready=False Fallback=True", still: "Paused=True", ready: "Ready"},
		{kinds: "autoscaling.k8s.io: VerticalPodAutoscaler", wrong: "ConfigUnsupported=True ConfigDeprecated=True NoPodsMatched=True", busy: "RecommendationProvided=False", ready: "RecommendationProvided"},
		{kinds: "monitoring.coreos.com: Prometheus PrometheusAgent Alertmanager ThanosRuler", hold: "spec.paused", wrong: "Reconciled=False", ready: "Available", not: Progressing},
		{kinds: "operator.victoriametrics.com: *", hold: "spec.paused", phase: "status.updateStatus", good: "operational", bad: "failed", held: "paused"},
		fed("grafana.integreatly.org: Grafana", grafana),
		{kinds: "grafana.integreatly.org: GrafanaDashboard", hold: "spec.suspend", wrong: "DashboardSynchronized=False InvalidSpec=True", ready: "DashboardSynchronized"},
		{kinds: "grafana.integreatly.org: GrafanaDatasource", hold: "spec.suspend", wrong: "DatasourceSynchronized=False InvalidSpec=True", ready: "DatasourceSynchronized"},
		{kinds: "grafana.integreatly.org: GrafanaFolder", hold: "spec.suspend", wrong: "FolderSynchronized=False InvalidSpec=True", ready: "FolderSynchronized"},
		fed("opentelemetry.io: OpenTelemetryCollector", collector),
		{kinds: "loki.grafana.com: LokiStack; tempo.grafana.com: TempoStack TempoMonolithic", wrong: "Degraded=True Failed=True ConfigurationError=True", busy: "Pending=True", ready: "Ready"},
		{kinds: "jaegertracing.io: Jaeger", phase: "status.phase", good: "Running", bad: "Failed"},
		{kinds: "kueue.x-k8s.io: ClusterQueue LocalQueue", hold: "spec.stopPolicy=Hold", ready: "Active"},
		{kinds: "serving.kserve.io: InferenceService", still: "Stopped=True", ready: "Ready", not: Progressing, also: model},
		{kinds: "policy.open-cluster-management.io: Policy ConfigurationPolicy CertificatePolicy OperatorPolicy", hold: "spec.disabled", phase: "status.compliant", good: "Compliant", bad: "NonCompliant"},
		{kinds: "datadoghq.com: DatadogMetric", wrong: "Valid=False Error=True", ready: "Valid"},
		{kinds: "tower.ansible.com: AnsibleJob", phase: "status.ansibleJobResult.status", good: "successful", bad: "failed|error|canceled"},
		{kinds: "kiali.io: Kiali", wrong: "Failure=True", ready: "Successful", not: Progressing},
		{kinds: "config.openshift.io: ClusterOperator", wrong: "Degraded=True", busy: "Progressing=True", ready: "Available"},
		{kinds: "operator.openshift.io: IngressController Network Console DNS Etcd KubeAPIServer KubeControllerManager KubeScheduler Authentication OpenShiftAPIServer Storage CSISnapshotController", wrong: "Degraded=True", busy: "Progressing=True DeploymentRollingOut=True DeploymentReplicasAllAvailable=False", ready: "Available"},
		{kinds: "apps.openshift.io: DeploymentConfig", hold: "spec.paused", wrong: "Progressing=False:ProgressDeadlineExceeded", busy: "Progressing=True:!NewReplicationControllerAvailable", ready: "Available Progressing", not: Progressing},
		{kinds: "addons.cluster.x-k8s.io: ClusterResourceSet", still: "Paused=True", ready: "ResourcesApplied"},
	}
}
