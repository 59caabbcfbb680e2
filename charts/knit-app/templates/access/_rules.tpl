{{- /* What each component does with the Kubernetes API, and nothing else. knitd has no token; projection-leader has one without rights. */ -}}
{{- define "knitfab.rules" -}}
# volumes of uploads and imports, Data Agents and what keeps them from starting, logs of workers; strays for `knit doctor`
knitd-backend:
  - { apiGroups: [""], resources: [persistentvolumeclaims], verbs: [create, get, list, watch, patch, delete] }
  - { apiGroups: [""], resources: [pods], verbs: [create, list, watch, delete] }
  - { apiGroups: [batch], resources: [jobs], verbs: [get, list, delete] }
  - { apiGroups: [""], resources: [events], verbs: [list] }
# volumes of outputs, and spare ones
initialize-leader:
  - { apiGroups: [""], resources: [persistentvolumeclaims], verbs: [create, get, watch, patch] }
# workers, and what keeps them from starting
run-management-leader:
  - { apiGroups: [batch], resources: [jobs], verbs: [create, get, list, watch] }
  - { apiGroups: [""], resources: [pods], verbs: [list, watch] }
  - { apiGroups: [""], resources: [events], verbs: [list] }
  - { apiGroups: [""], resources: [persistentvolumeclaims], verbs: [get] }
  # to read what an image runs from its registry, with the Secrets that the worker's service account names: of them those alone
  # that are known to be such, as this one might read the key of a certificate otherwise
  - { apiGroups: [""], resources: [serviceaccounts], verbs: [get] }
  {{- with concat .Values.imagePullSecrets (.Values.worker.imagePullSecrets | default list) }}
  - apiGroups: [""]
    resources: [secrets]
    resourceNames: [{{ range $i, $secret := . }}{{ if $i }}, {{ end }}{{ $secret.name }}{{ end }}]
    verbs: [get]
  {{- end }}
# ended workers; volumes of Runs that ended before they had any
finishing-leader:
  - { apiGroups: [batch], resources: [jobs], verbs: [delete] }
  - { apiGroups: [""], resources: [pods], verbs: [list, delete] }
  - { apiGroups: [""], resources: [persistentvolumeclaims], verbs: [create, get] }
# volumes of deleted Data
garbage-collection-leader:
  - { apiGroups: [""], resources: [persistentvolumeclaims], verbs: [delete] }
# workers and Data Agents that were left behind
housekeeping-leader:
  - { apiGroups: [batch], resources: [jobs], verbs: [list, delete] }
  - { apiGroups: [""], resources: [pods], verbs: [get, list, delete] }
{{- if .Values.vex.use }}
# volumes that run full; what it reads of its node is in node-statistics.yaml
vex:
  - { apiGroups: [""], resources: [persistentvolumeclaims], verbs: [get, patch] }
{{- end }}
{{- end -}}
