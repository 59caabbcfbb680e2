import { parentPort } from 'node:worker_threads'; import { unpackTree } from '@knitfab/archive';
const p=parentPort!; const queue:any[]=[]; let wake:any=null; let dir:string|undefined;
p.on('message',(m)=>{ if(typeof m==='string'){dir=m; run()} else {queue.push(m); wake?.()} });
async function* src(){ for(;;){ while(queue.length===0) await new Promise<void>(f=>wake=f); const c=queue.shift(); if(c===null) return; yield Buffer.from(c.buffer,c.byteOffset,c.byteLength); p.postMessage(c.byteLength) } }
async function run(){ await unpackTree(src(), dir!, {links:'inside',durable:true}); p.postMessage('done') }
