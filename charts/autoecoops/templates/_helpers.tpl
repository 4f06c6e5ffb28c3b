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

{{/* The flags that say how a source is asked: .name is what they begin with, .of its values. */}}
{{- define "autoecoops.access" -}}
{{- if .of.tokenSecret }}
- --{{ .name }}-token-file=/etc/aeod/{{ .name }}/token
{{- end }}
{{- with .of.user }}
- {{ printf "--%s-user=%s" $.name . | quote }}
- --{{ $.name }}-password-file=/etc/aeod/{{ $.name }}-password/password
{{- end }}
{{- with .of.tenant }}
- {{ printf "--%s-tenant=%s" $.name . | quote }}
{{- end }}
{{- if .of.caSecret }}
- --{{ .name }}-ca-file=/etc/aeod/{{ .name }}-ca/ca.crt
{{- end }}
{{- end }}

{{/* Whether anything is followed for anomalies. */}}
{{- define "autoecoops.follows" -}}
{{- if or (and .Values.metrics.enabled (or .Values.metrics.anomalies .Values.metrics.watch.selectors)) (and .Values.objectives.prometheus.url .Values.objectives.prometheus.anomalies) }}yes{{ end }}
{{- end }}

{{/* Whether Alertmanagers may be told of something: of Objectives, or of anomalies. */}}
{{- define "autoecoops.alerts" -}}
{{- with .Values.objectives -}}
{{- if or .prometheus.url (and .alertmanager.anomalies .alertmanager.urls) }}yes{{ end }}
{{- end -}}
{{- end }}

{{/* Whether days are given that are not as usual, to who follows. */}}
{{- define "autoecoops.holidays" -}}
{{- if and .Values.anomalies.holidays (include "autoecoops.follows" .) }}yes{{ end }}
{{- end }}
