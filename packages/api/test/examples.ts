// The examples of spec page 2, as a 1.6 server answers.

export const dataExample = `{"knitId":"df5bb638-9ae8-47e4-b378-1bd6fc33157e",
 "tags":["knit#id:df5bb638-9ae8-47e4-b378-1bd6fc33157e","knit#timestamp:2026-11-22T17:33:19.573+00:00","type:raw"],
 "upstream":{"mountpoint":{"path":"/upload","tags":[]},
             "run":{"runId":"500ec151-e5b0-4fab-b561-27870bf04d20","status":"done","updatedAt":"2026-11-22T17:33:19.573+00:00","plan":{"planId":"bfa59ecd-a78e-44ec-a3ba-236dda0fc236","name":"knit#uploaded"}}},
 "downstreams":[{"mountpoint":{"path":"/in","tags":["type:raw"]},
                 "run":{"runId":"f7390021-badb-4572-9b73-9c0ac1db7131","status":"failed","updatedAt":"2026-11-22T17:34:56+00:00","exit":{"code":3,"message":"(container main) Error"},
                        "plan":{"planId":"580e1606-c2fd-45dd-a7d8-d840c6b9a214","image":"localhost:30503/prep:v1","entrypoint":["sh","-c"],"args":["exit 3"],"annotations":["case=exit3"]}}}],
 "nomination":[{"path":"/in","tags":["type:raw"],"plan":{"planId":"580e1606-c2fd-45dd-a7d8-d840c6b9a214","image":"localhost:30503/prep:v1","entrypoint":["sh","-c"],"args":["exit 3"],"annotations":["case=exit3"]}}]}`;

export const runExample = `{"runId":"e1b18a2a-9e46-40aa-acb6-b54f335e4d0e","status":"done","updatedAt":"2026-11-22T17:34:50.934+00:00","exit":{"code":0,"message":""},
 "plan":{"planId":"2796f30a-7390-43eb-b1c9-e231f5a1163f","image":"localhost:30503/prep:v1"},
 "inputs":[{"path":"/in","tags":["type:raw"],"knitId":"df5bb638-9ae8-47e4-b378-1bd6fc33157e"}],
 "outputs":[{"path":"/out","tags":["type:clean"],"knitId":"e71198be-8069-44d4-9c0e-ada4a52e2644"}],
 "log":{"tags":["type:log"],"knitId":"e51f3d36-bae1-4f53-95e7-a4eddae62ca5"}}`;

export const planExample = `{"planId":"67bc47ae-4e1b-410a-b923-10ad7e802339","image":"localhost:30503/prep:v1","entrypoint":["sh","-c"],"args":["true"],
 "inputs":[{"path":"/in","tags":["type:raw"],"upstreams":[]}],"outputs":[{"path":"/out","tags":["type:clean"],"downstreams":[]}],"log":{"tags":["type:log"],"downstreams":[]},
 "active":true,"on_node":{"must":["zone=a"]},"resources":{"cpu":"100m","memory":"64Mi"},"service_account":"trainer"}`;
