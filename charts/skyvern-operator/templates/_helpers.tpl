{{- define "skyvern.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains "skyvern" .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels of every object. Call with (dict "root" $ "component" "operator"). */}}
{{- define "skyvern.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{ include "skyvern.selectorLabels" . }}
{{- end -}}

{{- define "skyvern.selectorLabels" -}}
app.kubernetes.io/name: skyvern-operator
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Image reference. Call with (dict "root" $ "image" .Values.images.operator). */}}
{{- define "skyvern.image" -}}
{{- with .root.Values.images.registry }}{{ . }}/{{ end -}}
{{ .image.repository }}{{ if .image.digest }}@{{ .image.digest }}{{ else }}:{{ default .root.Chart.AppVersion .image.tag }}{{ end }}
{{- end -}}

{{/* Task namespaces as a JSON list: range (include "skyvern.namespaces" . | fromJsonArray). */}}
{{- define "skyvern.namespaces" -}}
{{- if .Values.tasks.namespaces -}}
{{- .Values.tasks.namespaces | uniq | toJson -}}
{{- else -}}
{{- list .Release.Namespace | toJson -}}
{{- end -}}
{{- end -}}

{{- define "skyvern.modelSecret" -}}
{{- default (printf "%s-model" (include "skyvern.fullname" .)) .Values.model.existingSecret -}}
{{- end -}}

{{- define "skyvern.signingSecret" -}}
{{- default (printf "%s-signing" (include "skyvern.fullname" .)) .Values.signing.existingSecret -}}
{{- end -}}

{{- define "skyvern.apiKeySecret" -}}
{{- default (printf "%s-api-key" (include "skyvern.fullname" .)) .Values.apiKeys.existingSecret -}}
{{- end -}}

{{/*
The signing key in base64: that of the cluster's Secret, else a new one. Every template of a rendering gets the same, so
that it is kept beside the values. Empty when signing.existingSecret names a Secret that cannot be looked up.
*/}}
{{- define "skyvern.signingKey" -}}
{{- if not (hasKey .Values.signing "key") -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace (include "skyvern.signingSecret" .) -}}
{{- $key := "" -}}
{{- if $secret -}}
{{- $key = get $secret.data "signing-key" -}}
{{- else if not .Values.signing.existingSecret -}}
{{- $key = randAlphaNum 48 | b64enc -}}
{{- end -}}
{{- $_ := set .Values.signing "key" $key -}}
{{- end -}}
{{- .Values.signing.key -}}
{{- end -}}

{{/* Changes with the signing key, which the programs read once: a new key restarts them. */}}
{{- define "skyvern.signingChecksum" -}}
{{- printf "%s:%s" (include "skyvern.signingSecret" .) (include "skyvern.signingKey" .) | sha256sum | trunc 16 -}}
{{- end -}}

{{- define "skyvern.publicUrl" -}}
{{- default (printf "http://%s-apiserver.%s.svc" (include "skyvern.fullname" .) .Release.Namespace) .Values.apiserver.publicUrl | trimSuffix "/" -}}
{{- end -}}

{{/* The restricted Pod Security level, spelled out. */}}
{{- define "skyvern.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "skyvern.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* OpenTelemetry's variables for a program that records traces; nothing without a collector. */}}
{{- define "skyvern.tracingEnv" -}}
{{- with .Values.tracing }}{{ if .endpoint -}}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .endpoint | quote }}}
- {name: OTEL_TRACES_SAMPLER, value: {{ ternary "parentbased_traceidratio" "traceidratio" .heedCallers }}}
- {name: OTEL_TRACES_SAMPLER_ARG, value: {{ .sampleRatio | toString | quote }}}
{{- with .headersFrom }}{{ if .name }}
- {name: OTEL_EXPORTER_OTLP_HEADERS, valueFrom: {secretKeyRef: {name: {{ .name }}, key: {{ .key | quote }}, optional: true}}}
{{- end }}{{ end }}
{{- end }}{{ end }}
{{- end -}}

{{/* The operator's configuration file: what the values say, overridden by operator.config. */}}
{{- define "skyvern.operatorConfig" -}}
{{- $images := dict
  "browser" (include "skyvern.image" (dict "root" . "image" .Values.images.browser))
  "runner" (include "skyvern.image" (dict "root" . "image" .Values.images.runner)) -}}
{{- $limits := dict
  "maxActive" (ternary nil (int .Values.tasks.limits.maxActive) (eq 0 (int .Values.tasks.limits.maxActive)))
  "maxActivePerNamespace" (ternary nil (int .Values.tasks.limits.maxActivePerNamespace) (eq 0 (int .Values.tasks.limits.maxActivePerNamespace)))
  "shares" .Values.tasks.limits.shares
  "maxEndedPerNamespace" (ternary nil (int .Values.tasks.limits.maxEndedPerNamespace) (eq 0 (int .Values.tasks.limits.maxEndedPerNamespace))) -}}
{{- $secrets := list -}}
{{- range .Values.imagePullSecrets }}{{ $secrets = append $secrets .name }}{{ end -}}
{{- $config := dict
  "images" $images
  "imagePullPolicies" (dict "browser" .Values.images.browser.pullPolicy "runner" .Values.images.runner.pullPolicy)
  "imagePullSecrets" $secrets
  "serviceAccountName" .Values.tasks.serviceAccount
  "modelSecretName" (include "skyvern.modelSecret" .)
  "artifactsUrl" (printf "http://%s-apiserver-internal.%s.svc:8081" (include "skyvern.fullname" .) .Release.Namespace)
  "facadeUrl" (printf "http://%s-apiserver.%s.svc:%v" (include "skyvern.fullname" .) .Release.Namespace .Values.apiserver.service.port)
  "publicUrl" (include "skyvern.publicUrl" .)
  "artifactLinkTtlSeconds" (int64 .Values.artifacts.linkTtlSeconds)
  "signingKeyFile" "/etc/skyvern/signing/signing-key"
  "webhook" (dict "signature" .Values.webhook.signature "allowedNetworks" .Values.webhook.allowedNetworks)
  "limits" $limits
  "defaultTtlSeconds" (ternary nil (int64 .Values.tasks.defaultTtlSeconds) (kindIs "invalid" .Values.tasks.defaultTtlSeconds))
  "endedPodSeconds" (int64 .Values.tasks.endedPodSeconds)
  "resources" .Values.tasks.resources
  "tracing" (dict "headersFrom" (ternary (dict "name" .Values.tracing.headersFrom.name "key" .Values.tracing.headersFrom.key) nil (ne "" .Values.tracing.headersFrom.name)))
  "webAccess" (dict "allow" .Values.tasks.webAccess.allow "deny" .Values.tasks.webAccess.deny "allowPrivateHosts" .Values.tasks.webAccess.allowPrivateHosts)
  "sandbox" (dict "seccompProfile" (default nil .Values.tasks.sandbox.seccompProfile))
  "leaderElection" (dict "enabled" true "leaseName" (printf "%s-operator" (include "skyvern.fullname" .))) -}}
{{- mergeOverwrite $config (deepCopy .Values.operator.config) | toYaml -}}
{{- end -}}
