{{- /* The same file in each of Knitfab's charts (charts/test/chart-files.test.ts sees to it). */ -}}

{{- /* Labels that select the pods of a component: (list . "COMPONENT") */ -}}
{{- define "knitfab.selector" -}}
app.kubernetes.io/name: knitfab
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- /* Labels of a pod, without versions: a new version alone must not start it anew: (list . "COMPONENT") */ -}}
{{- define "knitfab.podLabels" -}}
{{ include "knitfab.selector" . }}
app.kubernetes.io/part-of: knitfab
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
{{- end -}}

{{- /* Labels of every object: (list . "COMPONENT") */ -}}
{{- define "knitfab.labels" -}}
{{ include "knitfab.podLabels" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* Name of an image, from imageMirror where there is one: (list . "docker.io/library/postgres:18") */ -}}
{{- define "knitfab.mirrored" -}}
{{- $mirror := (index . 0).Values.imageMirror -}}
{{- $image := index . 1 -}}
{{- if $mirror -}}
{{- printf "%s/%s" (trimSuffix "/" $mirror) (regexReplaceAll "^(localhost|[^/]*[.:][^/]*)/" $image "") -}}
{{- else -}}
{{- $image -}}
{{- end -}}
{{- end -}}

{{- /* Name of an image given as {repository, tag}; the tag is that of this version by default: (list . .Values.image) */ -}}
{{- define "knitfab.image" -}}
{{- $image := index . 1 -}}
{{- $tag := $image.tag | default (index . 0).Chart.AppVersion -}}
{{- include "knitfab.mirrored" (list (index . 0) (printf "%s:%s" $image.repository $tag)) -}}
{{- end -}}

{{- /* imagePullSecrets of a pod */ -}}
{{- define "knitfab.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* securityContext of a pod that the Pod Security Standard "restricted" admits: a user id */ -}}
{{- define "knitfab.restrictedPod" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- /* securityContext of its containers */ -}}
{{- define "knitfab.restrictedContainer" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}
