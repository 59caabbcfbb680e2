import { stat } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { guide, guideBlocks, notRunHere, withoutComments } from './kubernetes/guide-commands.ts';

const pages = { en: await guide('en'), ja: await guide('ja') };
const blocks = { en: guideBlocks(pages.en), ja: guideBlocks(pages.ja) };

/** What is written outside of fenced blocks. */
const prose = (page: string) => page.replaceAll(/^((?:> ?)*)```[\s\S]*?^\1```$/gm, '');
const headings = (page: string) =>
  [...prose(page).matchAll(/^(#+) (.*)$/gm)].map(([, level = '', title = '']) => ({ level, title }));

/** The name by which GitHub links to a heading. */
const anchor = (title: string) =>
  title
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Number}\s_-]/gu, '')
    .replaceAll(' ', '-');

describe("the administrator's guides, in English and in Japanese,", () => {
  test('have the same sections in the same order', () => {
    expect(headings(pages.ja).map(({ level }) => level)).toEqual(
      headings(pages.en).map(({ level }) => level),
    );
  });

  test('have the same commands and settings', () => {
    const comparable = (list: typeof blocks.en) => list.map((block) => [block.name, withoutComments(block)]);
    expect(blocks.en.length).toBeGreaterThan(30);
    expect(comparable(blocks.ja)).toEqual(comparable(blocks.en));
  });

  test('have no command without a name, by which it would not be run', () => {
    for (const page of Object.values(pages)) expect(page).not.toMatch(/^(?:> ?)*```(?:sh|bash|console)$/m);
  });

  test('name each block once, but values, which may come in parts', () => {
    const names = blocks.en.filter(({ kind }) => kind === 'sh').map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });

  test('have every block that is said not to be run', () => {
    const names = blocks.en.map(({ name }) => name);
    expect(Object.keys(notRunHere).filter((name) => !names.includes(name))).toEqual([]);
  });

  test.for(['en', 'ja'] as const)('link to what is there (%s)', async (language) => {
    const page = prose(pages[language]);
    const anchors = headings(pages[language]).map(({ title }) => anchor(title));
    const here = new URL(
      language === 'en' ? '../docs/admin-guide.md' : '../docs/ja/admin-guide.md',
      import.meta.url,
    );
    for (const [, target = ''] of page.matchAll(/\]\(([^)]*)\)/g)) {
      if (/^https?:/.test(target)) continue;
      if (target.startsWith('#')) expect.soft(anchors).toContain(target.slice(1));
      else await expect.soft(stat(new URL(target, here)), target).resolves.toBeDefined();
    }
  });
});
