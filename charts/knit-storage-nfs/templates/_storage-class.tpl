{{- /* parameters of a StorageClass: (list . CLASS) */ -}}
{{- define "knitfab.storageParameters" -}}
{{- $root := index . 0 -}}
{{- $class := index . 1 -}}
server: {{ include "knitfab.nfsServer" $root | quote }}
share: {{ $root.Values.nfs.external | ternary $root.Values.nfs.share "/" | quote }}
mountPermissions: {{ $class.mountPermissions | quote }}
onDelete: {{ $class.onDelete }}
# to delete a volume the driver mounts the share, too, and learns how from this Secret only
csi.storage.k8s.io/provisioner-secret-name: nfs-mount-options
csi.storage.k8s.io/provisioner-secret-namespace: {{ $root.Release.Namespace }}
{{- end -}}

{{- /* Fails with a sentence where a StorageClass that is there would have to change what Kubernetes lets nobody change: (list . CLASS) */ -}}
{{- define "knitfab.checkStorageClass" -}}
{{- $name := (index . 1).name -}}
{{- $old := (lookup "storage.k8s.io/v1" "StorageClass" "" $name) | default dict -}}
{{- if eq (dig "metadata" "annotations" "meta.helm.sh/release-namespace" "" $old) (index . 0).Release.Namespace -}}
{{- range $key, $value := include "knitfab.storageParameters" . | fromYaml -}}
{{- $before := dig "parameters" $key "" $old -}}
{{- if ne $before $value -}}
{{- fail (printf "StorageClass %s has %s %q, and Kubernetes does not let that become %q. Volumes that are there stay where they are: when they have been moved, or are not needed, kubectl delete storageclass %s , and try again." $name $key $before $value $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
