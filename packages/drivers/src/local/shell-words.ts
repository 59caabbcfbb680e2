/** Text as one word of a POSIX shell, whatever characters it has (XCU 2.2.2, single quotes). */
export const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export const shellWords = (texts: readonly string[]): string => texts.map(shellWord).join(' ');
