/** One mount, as fstab(5) writes it. */
export interface FstabLine {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** The lines as a file for `mount -a -T`; `root` is where the root is put together that targets are meant in. */
export function formatFstab(lines: readonly FstabLine[], root = ''): string {
  return lines
    .map(({ source, target, type, options }) => {
      const where = target === '/' ? root : `${root}${target}`;
      return `${escaped(source)} ${escaped(where)} ${type} ${escaped(options.join(','))} 0 0\n`;
    })
    .join('');
}

/** Fields end at white space, and `#` begins a comment. */
const escaped = (field: string): string =>
  field.replace(/[ \t\n#\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
