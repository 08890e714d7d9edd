{{- /* The labels by which a Deployment, a Service and a disruption budget find their pods. */ -}}
{{- define "polelens.selector" -}}
app.kubernetes.io/name: polelens
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "polelens.labels" -}}
{{ include "polelens.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "polelens.name" -}}
{{ printf "%s-%s" .root.Release.Name .name | trunc 52 | trimSuffix "-" }}
{{- end -}}

{{- /* The path below which the Ingress shows a component; empty without an Ingress. */ -}}
{{- define "polelens.below" -}}
{{- if .root.Values.ingress.enabled }}{{ index .root.Values.ingress.paths .name | trimSuffix "/" }}{{ end -}}
{{- end -}}

{{- define "polelens.priority" -}}
{{- $priority := .root.Values.priority -}}
{{- $which := ternary "batch" "keep" (default false .batch) -}}
{{- if $priority.create }}{{ .root.Release.Name }}-{{ $which }}{{ else }}{{ index $priority $which }}{{ end -}}
{{- end -}}

{{- define "polelens.key" -}}
- name: {{ .key }}
  valueFrom: {secretKeyRef: {name: {{ .secret }}, key: {{ .key }}{{ if .optional }}, optional: true{{ end }}}}
{{- end -}}

{{- /* The settings, those that are secret by reference. */ -}}
{{- define "polelens.environment" -}}
{{- $root := .root -}}
{{- $secret := default $root.Values.existingSecret (index $root.Values.secrets .name) -}}
{{- range list "DATABASE_URL" "CELERY_BROKER_URL" }}
{{ include "polelens.key" (dict "secret" $secret "key" .) }}
{{- end }}
{{- range list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
{{ include "polelens.key" (dict "secret" $secret "key" . "optional" true) }}
{{- end }}
{{- range .logins }}
{{ include "polelens.key" (dict "secret" $secret "key" . "optional" true) }}
{{- end }}
{{- range .secrets }}
{{ include "polelens.key" (dict "secret" $secret "key" .) }}
{{- end }}
{{- $health := ternary (dict "POLELENS_HEALTH" "/tmp/health") (dict) (default false .health) }}
{{- range $name, $value := mustMerge (dict) $health (default dict .settings) .root.Values.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end -}}

{{- /*
One container that needs no more than it is given. Takes root, name, command, image, resources; perhaps settings, secrets, logins,
grace, port with path (of readiness) and live (of liveness, else the same), health (it keeps a health file), restart, batch
(it gives way to what people wait for), spread (its pods over zones and nodes), and place: the node selector, affinity,
tolerations and runtime class.
*/ -}}
{{- define "polelens.pod" -}}
serviceAccountName: {{ .root.Values.serviceAccountName }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ default 30 .grace }}
restartPolicy: {{ default "Always" .restart }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with include "polelens.priority" . }}
priorityClassName: {{ . }}
{{- end }}
{{- if and .spread .root.Values.topologySpread }}
topologySpreadConstraints:
  {{- range .root.Values.topologySpread }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "polelens.selector" $ | nindent 8 }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- range $key := list "nodeSelector" "affinity" "tolerations" "runtimeClassName" }}
{{- with index (default dict $.place) $key }}
{{ $key }}: {{ toJson . }}
{{- end }}
{{- end }}
containers:
  - name: {{ .name }}
    image: {{ index .root.Values.images (default "cpu" .image) }}
    imagePullPolicy: {{ .root.Values.imagePullPolicy }}
    command: {{ toJson .command }}
    env:
      {{- include "polelens.environment" . | trim | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
    resources: {{- toYaml .resources | nindent 6 }}
    volumeMounts: [{name: scratch, mountPath: /tmp}]
    {{- if .health }}
    livenessProbe:
      exec: {command: [sh, -c, 'test -n "$(find /tmp/health -name "*.json" -mmin -1)"']}
      initialDelaySeconds: 60
      periodSeconds: 30
      timeoutSeconds: 10
    {{- end }}
    {{- with .port }}
    ports: [{name: http, containerPort: {{ . }}}]
    readinessProbe: {httpGet: {path: {{ $.path }}, port: http}, periodSeconds: 15, timeoutSeconds: 10}
    livenessProbe: {httpGet: {path: {{ default $.path $.live }}, port: http}, periodSeconds: 30, timeoutSeconds: 10, failureThreshold: 5}
    {{- end }}
volumes: [{name: scratch, emptyDir: {}}]
{{- end -}}

{{- define "polelens.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "polelens.name" . }}
  labels: {{- include "polelens.labels" . | nindent 4 }}
spec:
  {{- if hasKey . "replicas" }}
  replicas: {{ .replicas }}
  {{- end }}
  selector:
    matchLabels: {{- include "polelens.selector" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "polelens.labels" . | nindent 8 }}
      {{- if .port }}
      {{- with .metrics }}
      annotations: {prometheus.io/scrape: "true", prometheus.io/port: {{ $.port | quote }}, prometheus.io/path: {{ . }}}
      {{- end }}
      {{- end }}
    spec: {{- include "polelens.pod" . | nindent 6 }}
{{- end -}}

{{- define "polelens.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "polelens.name" . }}
  labels: {{- include "polelens.labels" . | nindent 4 }}
spec:
  selector: {{- include "polelens.selector" . | nindent 4 }}
  ports: [{name: http, port: {{ .port }}, targetPort: http}]
{{- end -}}
