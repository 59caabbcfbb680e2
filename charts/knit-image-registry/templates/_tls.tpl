{{- /* Whether the registry speaks HTTPS: when knit-certs was given certificates (`certs`). */ -}}
{{- define "knitfab.registryTLS" -}}
{{- if dig "cert" "" (.Values.certs | default dict) -}}true{{- end -}}
{{- end -}}

{{- /* Addresses by which nodes and users name the registry, one a line: every node's own, and nodeCerts.hosts. */ -}}
{{- define "knitfab.registryHosts" -}}
{{- $hosts := .Values.nodeCerts.hosts -}}
{{- range (lookup "v1" "Node" "" "").items -}}
{{- range .status.addresses -}}
{{- if has .type (list "InternalIP" "ExternalIP" "Hostname") -}}
{{- $hosts = append $hosts (contains ":" .address | ternary (printf "[%s]" .address) .address) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $hosts | uniq | sortAlpha | join "\n" -}}
{{- end -}}
