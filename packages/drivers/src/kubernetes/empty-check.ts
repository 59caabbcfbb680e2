import { pipePath, startPath, terminationMessagePath, toolsDirectory } from './pod-wire.ts';

const busybox = '/usr/local/bin/busybox';

/**
 * Ends with 1, and says why, unless each directory is empty. What a storage has put there by itself does not count: the
 * `lost+found` that a new file system of some kinds has, which is removed where that can be done, and what an NFS client calls a
 * removed file that somebody still has open (`.nfs`, 16 digits for the file, 8 for a counter: fs/nfs/unlink.c in Linux). Where main
 * is started by way of us, the pipe is made for any user to write, and at last the busybox that main begins with put beside it:
 * without it, main can't start.
 */
const script = `
b=${busybox}
tools=$1
shift
complaint=
for directory do
  own='\\.nfs[0-9a-f]{24}'
  lost=$directory/lost+found
  if [ "$($b stat -c '%u %F' "$lost" 2>/dev/null)" = '0 directory' ]; then
    $b rmdir "$lost" 2>/dev/null || [ -n "$($b ls -A "$lost" 2>/dev/null)" ] || own="$own|lost\\+found"
  fi
  found=$($b ls -A "$directory") || found='something unreadable'
  found=$(echo "$found" | $b grep -vxE "$own")
  if [ -z "$found" ]; then
    $b chmod a+rwx "$directory" 2>/dev/null
    continue
  fi
  first=$(echo "$found" | $b head -n 1)
  complaint="\${complaint}the output $directory is not empty: it holds $first. "
done
if [ -n "$complaint" ]; then
  echo "$complaint" | $b tee ${terminationMessagePath} >&2
  [ -z "$tools" ] || : >"$tools/checked"
  exit 1
fi
[ -n "$tools" ] || exit 0
[ -p ${pipePath} ] || $b mkfifo -m 666 ${pipePath} || exit 1
$b cp $b "$tools/busybox.new" && $b mv "$tools/busybox.new" ${startPath} || exit 1
: >"$tools/checked"
`.trim();

/**
 * What checks, in the image of this system, that every output is empty: it fails where one is not, naming it as the termination
 * message of its container. Outputs are left writable for the users of all images.
 * @param outputs mount paths
 * @param isHook whether it also prepares what main is started by, in the directory of the pipe
 */
export const emptyCheck = (outputs: readonly string[], { isHook }: { isHook: boolean }): string[] => [
  busybox,
  'sh',
  '-c',
  script,
  'empty-check',
  isHook ? toolsDirectory : '',
  ...outputs,
];

/** A container in which the check can run as a hook: it lasts a little longer than that. */
export const emptyCheckHolder: readonly string[] = [
  busybox,
  'sh',
  '-c',
  `until [ -e ${toolsDirectory}/checked ]; do ${busybox} sleep 0.1; done; exec ${busybox} sleep 0.5`,
];
