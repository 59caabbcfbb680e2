import { harmless } from '../output/harmless.ts';
import { shortened } from '../output/text-width.ts';

/** A word that may be put in, and what it is. */
export interface Candidate {
  readonly value: string;
  readonly description?: string;
}

/** The widest description, in columns. */
const widest = 60;

/**
 * Words that mean the same to every shell as they stand, with nothing to quote: letters of any script, digits and a few
 * signs. Nothing else is ever put in, whatever the server says.
 */
const plain = /^[\p{L}\p{N}_./@+:%-][\p{L}\p{M}\p{N}_./@+:%,=-]*$/u;

/** The line of a candidate for a shell's script; undefined for a word that a shell could take for something else. */
export function candidateLine({ value, description = '' }: Candidate): string | undefined {
  return plain.test(value) ? `${value}\t${shortened(harmless(description), widest)}` : undefined;
}
