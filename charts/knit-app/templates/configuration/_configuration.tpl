{{- /* StorageClass of Data: what this chart's values name, else what knit-storage-nfs installed (`storage`). */ -}}
{{- define "knitfab.dataStorageClass" -}}
{{- $storage := .Values.storage | default dict -}}
{{- coalesce .Values.volumes.storageClass (get $storage "storageClass")
      (dig "storageClasses" "data" "name" "" $storage) "knitfab-storage-data" -}}
{{- end -}}

{{- /* config.json of the components; what they don't use of it is small. */ -}}
{{- define "knitfab.configuration" -}}
{{- $secrets := list -}}
{{- range .Values.imagePullSecrets -}}{{- $secrets = append $secrets .name -}}{{- end -}}
{{- $worker := set (omit .Values.worker "priorityClass" "imagePullSecrets" "readNodes") "priorityClass" .Values.worker.priorityClass.name -}}
{{- toPrettyJson (dict
      "namespace" .Release.Namespace
      "clusterTLD" .Values.clusterTLD
      "backend" "http://knitd-backend:8080"
      "log" .Values.log
      "image" (include "knitfab.image" (list . .Values.image))
      "imagePullPolicy" .Values.image.pullPolicy
      "imagePullSecrets" $secrets
      "volumes" (dict "storageClass" (include "knitfab.dataStorageClass" .) "size" .Values.volumes.size "accessMode" .Values.volumes.accessMode
                   "spare" (int .Values.volumes.spare))
      "worker" $worker) -}}
{{- end -}}
