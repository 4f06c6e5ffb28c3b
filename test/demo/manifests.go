package main

// setup is what an administrator prepares: a namespace, and the account that
// changes in it are made as.
var setup = []string{`
apiVersion: v1
kind: Namespace
metadata: {name: autoecoops}
`, `
apiVersion: v1
kind: Namespace
metadata: {name: ` + namespace + `}
`, `
apiVersion: v1
kind: ServiceAccount
metadata: {name: aeo-deployer, namespace: ` + namespace + `}
automountServiceAccountToken: false
`, `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: aeo-deployer, namespace: ` + namespace + `}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects: [{kind: ServiceAccount, name: aeo-deployer, namespace: ` + namespace + `}]
`, `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: aeo-deployer-` + namespace + `}
rules:
  - {apiGroups: [""], resources: [namespaces], resourceNames: [` + namespace + `], verbs: [get, patch]}
`, `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: aeo-deployer-` + namespace + `}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: aeo-deployer-` + namespace + `}
subjects: [{kind: ServiceAccount, name: aeo-deployer, namespace: ` + namespace + `}]
`, `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: aeo-deployer-quota, namespace: ` + namespace + `}
rules:
  - {apiGroups: [""], resources: [resourcequotas, limitranges], verbs: [get, create, patch, delete]}
`, `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: aeo-deployer-quota, namespace: ` + namespace + `}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: aeo-deployer-quota}
subjects: [{kind: ServiceAccount, name: aeo-deployer, namespace: ` + namespace + `}]
`}

// applicationManifest is the Application; %s is the repository's address.
const applicationManifest = `
apiVersion: autoecoops.io/v1alpha1
kind: Application
metadata: {name: ` + application + `, namespace: ` + namespace + `}
spec:
  source:
    git: {url: "%s", branch: main, interval: 1s}
    path: overlays/local
  serviceAccountName: aeo-deployer
  gate: {failOn: medium}
  health: {deadline: 2m, watch: 10s}
  monitors:
    - name: visitors
      expr: sum(rate(http_server_request_duration_seconds_count{namespace="` + namespace + `"}[10s]))
      worse: Lower
`
