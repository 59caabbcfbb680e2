{{- /* metadata of a NetworkPolicy: (list . "NAME") */ -}}
{{- define "knitfab.policyMetadata" -}}
metadata:
  name: {{ index . 1 }}
  labels: {{- include "knitfab.labels" . | nindent 4 }}
{{- end -}}
