/**
 * What an archive has written so far, as far as it decides where later entries and links lead: directories and symbolic links.
 * Files are left out; the file system knows them.
 */
export interface WrittenDirectory {
  readonly kind: 'directory';
  readonly name: string;
  /** None for the root. */
  readonly parent?: WrittenDirectory;
  readonly children: Map<string, WrittenDirectory | WrittenLink>;
  /** As the archive wants it in the end; none for a directory that only an entry's path names. */
  attributes?: { readonly mode: number; readonly mtime: number };
}

export interface WrittenLink {
  readonly kind: 'link';
  readonly name: string;
  readonly parent: WrittenDirectory;
  readonly target: string;
}

/** The path from the root; empty for the root itself. */
export function pathOf(node: WrittenDirectory | WrittenLink): string {
  const names: string[] = [];
  for (let at: WrittenDirectory | WrittenLink = node; at.parent !== undefined; at = at.parent)
    names.push(at.name);
  return names.reverse().join('/');
}

/** Every directory of the tree, each after all that it holds, so that its own attributes can be set last. */
export function* innermostFirst(root: WrittenDirectory): Generator<WrittenDirectory, void> {
  const open = [{ directory: root, children: root.children.values() }];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const { value: child, done } = top.children.next();
    if (done === true) {
      yield top.directory;
      open.pop();
    } else if (child.kind === 'directory') {
      open.push({ directory: child, children: child.children.values() });
    }
  }
}

/** Every symbolic link of the tree. */
export function* linksOf(root: WrittenDirectory): Generator<WrittenLink, void> {
  for (const directory of innermostFirst(root)) {
    for (const child of directory.children.values()) if (child.kind === 'link') yield child;
  }
}
