// roles: server PORT DIR ; push PORT SRC ; pull PORT VOL DEST
import http from 'node:http'; import { mkdirSync, writeFileSync } from 'node:fs'; import { pipeline } from 'node:stream/promises'; import { Readable } from 'node:stream';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { packTree, unpackTree, digestOf } from '@knitfab/archive';
const dig=process.env.NOMD5?((x:any)=>({chunks:x,md5:()=>''})):digestOf;
const [role, port, a, b] = process.argv.slice(2);
if (role==='server') { let k=0; process.on("SIGINT",()=>process.exit());http.createServer(async (q,r)=>{ 
  if(q.method==='POST'){ const h=monitorEventLoopDelay({resolution:1}); h.enable(); const d=`${a}/v${process.pid}-${k++}`; mkdirSync(d); const g=dig(q.iterator({destroyOnReturn:false})); const c0=process.cpuUsage();
   let n=0,k=0; for await (const c of g.chunks) {n+=c.length;k++} console.log('chunks',k,n/k); const ok=q.trailers['x-checksum-md5']===g.md5(); const c=process.cpuUsage(c0); r.end(JSON.stringify({d,ok,max:(h.max/1e6).toFixed(1),p99:(h.percentile(99)/1e6).toFixed(1), cpu:((c.user+c.system)/1e3).toFixed(0)})) }
  else { const h=monitorEventLoopDelay({resolution:1}); h.enable(); const g=dig(packTree(q.url!.slice(1).replaceAll('%2F','/'))); r.writeHead(200,{trailer:'x-checksum-md5'}); for await (const c of g.chunks) if(!r.write(c)) await new Promise(f=>r.once('drain',f)); r.addTrailers({'x-checksum-md5':g.md5()}); r.end(); console.log('pull loop max',(h.max/1e6).toFixed(1)) }
 }).listen(Number(port),'127.0.0.1') }
if (role==='push') { const s=performance.now(); const g=dig(packTree(a!)); const q=http.request({port:Number(port),host:'127.0.0.1',method:'POST',headers:{'content-type':'application/x-tar',trailer:'x-checksum-md5'}}); const res=new Promise<http.IncomingMessage>(f=>q.on('response',f));
  for await (const c of g.chunks) if(!q.write(c)) await new Promise(f=>q.once('drain',f)); q.addTrailers({'x-checksum-md5':g.md5()}); q.end(); const m=await res; let t=''; for await (const c of m) t+=c; console.log('push',(performance.now()-s).toFixed(0),'ms',t); writeFileSync('/tmp/arc/e2e/last',JSON.parse(t).d) }
if (role==='pull') { const s=performance.now(); mkdirSync(b!); const m=await new Promise<http.IncomingMessage>(f=>http.get({port:Number(port),host:'127.0.0.1',path:'/'+encodeURIComponent(a!)},f)); const g=dig(m); await unpackTree(g.chunks,b!,{links:'any',durable:false}); console.log('pull',(performance.now()-s).toFixed(0),'ms', m.trailers['x-checksum-md5']===g.md5()) }
