package corpus

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
  namespace: SPACE
  labels:
    app.kubernetes.io/name: NAME
    app.kubernetes.io/part-of: SPACE
    app.kubernetes.io/version: "1.2.3"
    team: SPACE
  annotations:
    example.com/runbook: https://runbooks.example.com/NAME
    example.com/owner: SPACE@example.com
spec:
  replicas: REPLICAS
  revisionHistoryLimit: 3
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  selector:
    matchLabels:
      app.kubernetes.io/name: NAME
  template:
    metadata:
      labels:
        app.kubernetes.io/name: NAME
        app.kubernetes.io/part-of: SPACE
        team: SPACE
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "PORT"
    spec:
      serviceAccountName: NAME
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 45
      securityContext:
        runAsNonRoot: true
        seccompProfile:
          type: RuntimeDefault
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              app.kubernetes.io/name: NAME
      containers:
        - name: web
          image: registry.example.com/SPACE/NAME@DIGEST
          imagePullPolicy: IfNotPresent
          args:
            - --listen=:PORT
            - --log-format=json
          env:
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
            - name: LOG_LEVEL
              valueFrom:
                configMapKeyRef:
                  name: NAME
                  key: log-level
            - name: FEATURES
              value: "search,checkout,returns"
          ports:
            - name: http
              containerPort: PORT
              protocol: TCP
          startupProbe:
            httpGet:
              path: /healthz
              port: http
            periodSeconds: 5
            failureThreshold: 30
          livenessProbe:
            httpGet:
              path: /healthz
              port: http
            periodSeconds: 10
            timeoutSeconds: 2
          readinessProbe:
            httpGet:
              path: /readyz
              port: http
            periodSeconds: 5
            timeoutSeconds: 2
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
              ephemeral-storage: 64Mi
            limits:
              memory: 256Mi
              ephemeral-storage: 128Mi
          securityContext: SECURITY
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            - name: config
              mountPath: /etc/NAME
              readOnly: trueSIDECAR
      volumes:
        - name: tmp
          emptyDir:
            sizeLimit: 64Mi
        - name: config
          configMap:
            name: NAME
`

const service = `apiVersion: v1
kind: Service
metadata:
  name: NAME
  namespace: SPACE
  labels:
    app.kubernetes.io/name: NAME
    team: SPACE
spec:
  selector:
    app.kubernetes.io/name: NAME
  ports:
    - name: http
      port: 80
      targetPort: http
`

const account = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: NAME
  namespace: SPACE
automountServiceAccountToken: false
`

const config = `apiVersion: v1
kind: ConfigMap
metadata:
  name: NAME
  namespace: SPACE
data:
  log-level: info
  settings.yaml: |
    listen: ":PORT"
    upstreams:
      - name: catalog
        address: catalog.SPACE.svc:8080
        timeout: 2s
      - name: orders
        address: orders.SPACE.svc:8080
        timeout: 5s
      - name: upstream-1
        address: upstream-1.SPACE.svc.cluster.local:8080
        timeout: 1s
        description: calls to the service upstream-1, with its own budget of retries
      - name: upstream-2
        address: upstream-2.SPACE.svc.cluster.local:8080
        timeout: 2s
        description: calls to the service upstream-2, with its own budget of retries
      - name: upstream-3
        address: upstream-3.SPACE.svc.cluster.local:8080
        timeout: 3s
        description: calls to the service upstream-3, with its own budget of retries
      - name: upstream-4
        address: upstream-4.SPACE.svc.cluster.local:8080
        timeout: 4s
        description: calls to the service upstream-4, with its own budget of retries
      - name: upstream-5
        address: upstream-5.SPACE.svc.cluster.local:8080
        timeout: 5s
        description: calls to the service upstream-5, with its own budget of retries
      - name: upstream-6
        address: upstream-6.SPACE.svc.cluster.local:8080
        timeout: 6s
        description: calls to the service upstream-6, with its own budget of retries
      - name: upstream-7
        address: upstream-7.SPACE.svc.cluster.local:8080
        timeout: 7s
        description: calls to the service upstream-7, with its own budget of retries
      - name: upstream-8
        address: upstream-8.SPACE.svc.cluster.local:8080
        timeout: 8s
        description: calls to the service upstream-8, with its own budget of retries
      - name: upstream-9
        address: upstream-9.SPACE.svc.cluster.local:8080
        timeout: 9s
        description: calls to the service upstream-9, with its own budget of retries
      - name: upstream-10
        address: upstream-10.SPACE.svc.cluster.local:8080
        timeout: 10s
        description: calls to the service upstream-10, with its own budget of retries
      - name: upstream-11
        address: upstream-11.SPACE.svc.cluster.local:8080
        timeout: 11s
        description: calls to the service upstream-11, with its own budget of retries
      - name: upstream-12
        address: upstream-12.SPACE.svc.cluster.local:8080
        timeout: 12s
        description: calls to the service upstream-12, with its own budget of retries
      - name: upstream-13
        address: upstream-13.SPACE.svc.cluster.local:8080
        timeout: 13s
        description: calls to the service upstream-13, with its own budget of retries
      - name: upstream-14
        address: upstream-14.SPACE.svc.cluster.local:8080
        timeout: 14s
        description: calls to the service upstream-14, with its own budget of retries
      - name: upstream-15
        address: upstream-15.SPACE.svc.cluster.local:8080
        timeout: 15s
        description: calls to the service upstream-15, with its own budget of retries
      - name: upstream-16
        address: upstream-16.SPACE.svc.cluster.local:8080
        timeout: 16s
        description: calls to the service upstream-16, with its own budget of retries
      - name: upstream-17
        address: upstream-17.SPACE.svc.cluster.local:8080
        timeout: 17s
        description: calls to the service upstream-17, with its own budget of retries
      - name: upstream-18
        address: upstream-18.SPACE.svc.cluster.local:8080
        timeout: 18s
        description: calls to the service upstream-18, with its own budget of retries
      - name: upstream-19
        address: upstream-19.SPACE.svc.cluster.local:8080
        timeout: 19s
        description: calls to the service upstream-19, with its own budget of retries
      - name: upstream-20
        address: upstream-20.SPACE.svc.cluster.local:8080
        timeout: 20s
        description: calls to the service upstream-20, with its own budget of retries
      - name: upstream-21
        address: upstream-21.SPACE.svc.cluster.local:8080
        timeout: 21s
        description: calls to the service upstream-21, with its own budget of retries
    retries:
      attempts: 3
      backoff: 200ms
`

const scaler = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: NAME
  namespace: SPACE
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: NAME
  minReplicas: 2
  maxReplicas: 10
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: 70
`

const budget = `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: NAME
  namespace: SPACE
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      app.kubernetes.io/name: NAME
`

const network = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: NAME
  namespace: SPACE
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: NAME
  policyTypes:
    - Ingress
    - Egress
  ingress:
    - from:
        - podSelector:
            matchLabels:
              team: SPACE
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: traefik
      ports:
        - port: http
  egress:
    - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: kube-system
      ports:
        - port: 53
          protocol: UDP
        - port: 53
          protocol: TCP
    - to:
        - podSelector:
            matchExpressions:
              - key: team
                operator: In
                values: [SPACE]
`

const role = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: NAME
  namespace: SPACE
rules:
  - apiGroups: [""]
    resources: [configmaps]
    resourceNames: [NAME]
    verbs: [get, watch]
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    verbs: [get, create, update]
`

const binding = `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: NAME
  namespace: SPACE
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: NAME
subjects:
  - kind: ServiceAccount
    name: NAME
    namespace: SPACE
`

const ingress = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: NAME
  namespace: SPACE
  annotations:
    cert-manager.io/cluster-issuer: letsencrypt
spec:
  ingressClassName: traefik
  tls:
    - hosts: [NAME.example.com]
      secretName: NAME-tls
  rules:
    - host: NAME.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: NAME
                port:
                  name: http
`
