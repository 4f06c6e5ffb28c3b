{{- define "autoecoops.labels" -}}
app.kubernetes.io/name: aeod
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: autoecoops
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "autoecoops.selector" -}}
app.kubernetes.io/name: aeod
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "autoecoops.image" -}}
{{ .Values.image.repository }}{{ with .Values.image.tag }}:{{ . }}{{ end }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}
