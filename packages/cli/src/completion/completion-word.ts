/** The first word of a command line that asks for completions; no user types it. */
export const completionWord = '__complete';
