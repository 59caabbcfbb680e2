{{- /* StorageClass of a component's own volume: what the chart's values name, else what knit-storage-nfs installed (`storage`). */ -}}
{{- define "knitfab.systemStorageClass" -}}
{{- $storage := .Values.storage | default dict -}}
{{- coalesce .Values.volume.storageClass (get $storage "storageClass")
      (dig "storageClasses" "system" "name" "" $storage) "knitfab-storage-system" -}}
{{- end -}}
