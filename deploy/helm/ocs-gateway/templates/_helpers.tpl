{{- define "ocs-gateway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "ocs-gateway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "ocs-gateway.name" . -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "ocs-gateway.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ocs-gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ocs-gateway.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "ocs-gateway.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "ocs-gateway.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ocs-gateway.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "ocs-gateway.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- /* Fails with every required value that is missing, and with what it is. */ -}}
{{- define "ocs-gateway.required" -}}
{{- $missing := list -}}
{{- if not .Values.image.repository }}{{ $missing = append $missing "image.repository: where the image is, for example registry.example.com/ocsgw" }}{{ end -}}
{{- if not .Values.journal.existingSecret }}{{ $missing = append $missing "journal.existingSecret: a Secret with index.key and checkpoint.pem" }}{{ end -}}
{{- if not .Values.tls.existingSecret }}{{ $missing = append $missing "tls.existingSecret: a Secret of type kubernetes.io/tls for the clients' listener" }}{{ end -}}
{{- if not .Values.apiKeys.existingSecret }}{{ $missing = append $missing "apiKeys.existingSecret: a Secret with keys.yaml" }}{{ end -}}
{{- if not .Values.config.upstreams }}{{ $missing = append $missing "config.upstreams: the OCS, as in config/ocsgw.yaml" }}{{ end -}}
{{- if not .Values.config.tenants }}{{ $missing = append $missing "config.tenants: the tenants, as in config/ocsgw.yaml" }}{{ end -}}
{{- if not (dig "checkpoint" "origin" "" .Values.config.audit) }}{{ $missing = append $missing "config.audit.checkpoint.origin: a name of your own for this journal, for example ocsgw.example.com/main" }}{{ end -}}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.ocs) }}{{ $missing = append $missing "networkPolicy.ocs: networks of the OCS hosts, for example [10.20.0.0/24]; or networkPolicy.enabled=false" }}{{ end -}}
{{- if and .Values.shared.existingSecret .Values.networkPolicy.enabled (not .Values.networkPolicy.database) }}{{ $missing = append $missing "networkPolicy.database: where the shared database is, for example [{podSelector: {matchLabels: {app: postgres}}}]" }}{{ end -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.shared.existingSecret) }}{{ $missing = append $missing "shared.existingSecret: a Secret with the url of the database that several gateways share" }}{{ end -}}
{{- if and .Values.shared.existingSecret (dig "checkpoint" "origin" "" .Values.config.audit) (not (contains "${POD_NAME}" (dig "checkpoint" "origin" "" .Values.config.audit))) }}{{ $missing = append $missing "config.audit.checkpoint.origin: with shared, ${POD_NAME} as a part of it, because each pod has a journal of its own" }}{{ end -}}
{{- if and (gt (int .Values.replicas) 1) .Values.persistence.existingClaim }}
{{- fail "\n\npersistence.existingClaim is for one pod; remove it, or set replicas: 1\n" -}}
{{- end -}}
{{- if $missing -}}
{{- fail (printf "\n\nmissing values:\n  %s\n" (join "\n  " $missing)) -}}
{{- end -}}
{{- end -}}

{{- /* The gateway's config as a map: what the chart sets wins over what the values add. */ -}}
{{- define "ocs-gateway.config" -}}
{{- $name := include "ocs-gateway.fullname" . -}}
{{- $listener := deepCopy .Values.config.listener -}}
{{- $ns := .Release.Namespace -}}
{{- $services := list (printf "%s:*" $name) (printf "%s.%s:*" $name $ns) (printf "%s.%s.svc:*" $name $ns) -}}
{{- $_ := set $listener "names" (concat (default (list) $listener.names) $services) -}}
{{- $_ := set $listener "name" "clients" -}}
{{- $_ := set $listener "bind" (printf "%s:%v" .Values.bindAddress .Values.ports.clients) -}}
{{- $tls := deepCopy (default (dict) $listener.tls) -}}
{{- $_ := set $tls "cert" "/etc/ocsgw/tls/tls.crt" -}}
{{- $_ := set $tls "key" "/etc/ocsgw/tls/tls.key" -}}
{{- $_ := set $listener "tls" $tls -}}
{{- $identity := deepCopy .Values.config.identity -}}
{{- $_ := set $identity "keys" (set (deepCopy (default (dict) $identity.keys)) "file" "/etc/ocsgw/keys/keys.yaml") -}}
{{- $audit := deepCopy .Values.config.audit -}}
{{- $_ := set $audit "dir" "/var/lib/ocsgw/audit" -}}
{{- if not $audit.index_key -}}
{{- $_ := set $audit "index_key" "${file:/etc/ocsgw/journal/index.key}" -}}
{{- end -}}
{{- $_ := set $audit.checkpoint "key" (ternary "/etc/ocsgw/journal/${POD_NAME}.pem" "/etc/ocsgw/journal/checkpoint.pem" (ne .Values.shared.existingSecret "")) -}}
{{- $admin := deepCopy .Values.config.admin -}}
{{- $_ := set $admin "bind" "127.0.0.1:9640" -}}
{{- /* Prometheus asks for /metrics by the pod's address. */ -}}
{{- $_ := set $admin "names" (append (default (list) $admin.names) "${POD_IP}") -}}
{{- $_ := set $admin "probes" (dict "bind" (printf "%s:%v" .Values.bindAddress .Values.ports.probes) "allow_from" .Values.probes.allowFrom) -}}
{{- if .Values.admins.existingSecret -}}
{{- $_ := set $admin "users" (dict "file" "/etc/ocsgw/admins/admins.yaml") -}}
{{- end -}}
{{- $extra := deepCopy .Values.config.extra -}}
{{- $drain := set (deepCopy (default (dict) $extra.drain)) "delay" .Values.drainDelay -}}
{{- $all := dict "version" 1 "listeners" (list $listener) "identity" $identity "upstreams" .Values.config.upstreams "tenants" .Values.config.tenants "audit" $audit "admin" $admin "drain" $drain "config" (dict "watch" "all") -}}
{{- if .Values.shared.existingSecret -}}
{{- $shared := deepCopy .Values.config.shared -}}
{{- $_ := set $shared "postgres" "${file:/etc/ocsgw/shared/url}" -}}
{{- $tls := deepCopy (default (dict) $shared.tls) -}}
{{- if .Values.shared.ca -}}
{{- $_ := set $tls "ca" "/etc/ocsgw/shared/ca.crt" -}}
{{- end -}}
{{- $_ := set $shared "tls" $tls -}}
{{- $_ := set $all "shared" $shared -}}
{{- $_ := set $all "node" "${POD_NAME}" -}}
{{- end -}}
{{- toYaml (merge $all $extra) -}}
{{- end -}}

{{- /* What a reload cannot apply: a change of it restarts the pod, a change of tenants and limits does not. */ -}}
{{- define "ocs-gateway.restartNeeded" -}}
{{- $config := include "ocs-gateway.config" . | fromYaml -}}
{{- $audit := omit $config.audit "redact" "index_key" "forward" "retention" "legal_hold" "compress_after" -}}
{{- $admin := omit $config.admin "tls" "names" "look_ups" "users" "oidc" -}}
{{- $callbacks := dict -}}
{{- range $name, $upstream := $config.upstreams -}}
{{- $_ := set $callbacks $name (default (dict) $upstream.callbacks) -}}
{{- end -}}
{{- dict "audit" $audit "admin" $admin "callbacks" $callbacks "shared" (default (dict) $config.shared) | toJson -}}
{{- end -}}
