import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Lineage } from '@knitfab/api';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphAs } from '../src/graph/formats.ts';
import type { Graph } from '../src/graph/graph.ts';
import { lineageGraph } from '../src/graph/lineage-graph.ts';
import { planGraph } from '../src/graph/plan-graph.ts';
import { chromiumPath, startChromium } from './chromium.ts';
import { lineageWithTag, longLineage, sampleLineage, samplePlans } from './sample-graphs.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'knit-page-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function file(graph: Graph): Promise<string> {
  const path = join(directory, `${Math.random()}.html`);
  await writeFile(path, await graphAs('html', graph, undefined));
  return pathToFileURL(path).href;
}

describe.skipIf(chromiumPath === undefined)('the page of a graph, in Chromium', () => {
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.close());

  async function open(graph: Graph): Promise<void> {
    complaints = [];
    page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('request', (request) => {
      if (!request.url().startsWith('file:')) complaints.push(request.url());
    });
    page.on('dialog', (dialog) => {
      complaints.push(dialog.message());
      void dialog.dismiss();
    });
    await page.goto(await file(graph));
  }

  async function close(): Promise<void> {
    expect(complaints).toEqual([]);
    await page.close();
  }

  const details = () => page.locator('#details');
  const transform = () => page.locator('#world').getAttribute('transform');

  it('tells on a click all that is known, leads to what is connected, and copies the id', async () => {
    await open(lineageGraph(sampleLineage));
    await page.locator('#graph .node', { hasText: 'train:v2' }).click();
    expect(await details().textContent()).toMatch(
      /Run.*train:v2.*status.*done.*changed.*2024-03-06T09:25:16/s,
    );
    expect(await page.locator('.edge.near').count()).toBe(3);
    await page.getByRole('button', { name: 'Go to Data model' }).click();
    expect(await details().locator('h2').textContent()).toBe('model');
    expect(await details().textContent()).toContain('type:model');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy the id' }).click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('model');
    await page.keyboard.press('Escape');
    expect(await details().isVisible()).toBe(false);
    await close();
  });

  it('finds by tag, image and id, marks what fits, and goes from one to the next', async () => {
    await open(lineageGraph(sampleLineage));
    const search = page.locator('#search');
    const found = async (words: string) => {
      await search.fill(words);
      return await page.locator('#graph .node.match').count();
    };
    expect(await found('TYPE:')).toBe(4);
    expect(await found('prep:v1')).toBe(1);
    expect(await found('type: mod')).toBe(1);
    expect(await found('nothing of the kind')).toBe(0);
    expect(await page.locator('#count').textContent()).toBe('none');
    await search.fill('type:');
    await search.press('Enter');
    expect(await page.locator('#count').textContent()).toBe('1 of 4');
    const first = await details().locator('h2').textContent();
    await page.locator('#next').click();
    expect(await details().locator('h2').textContent()).not.toBe(first);
    await page.locator('#previous').click();
    expect(await details().locator('h2').textContent()).toBe(first);
    await close();
  });

  it('can be used with the keyboard alone', async () => {
    await open(lineageGraph(sampleLineage));
    await page.locator('#graph .node.root').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    expect(await details().locator('h2').textContent()).toBe('train:v2');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Enter');
    expect(await details().locator('h2').textContent()).toMatch(/prep:v1|raw/);
    await page.keyboard.press('/');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('search');
    await close();
  });

  it('is moved by dragging, and zoomed by wheel, keys and buttons', async () => {
    await open(lineageGraph(sampleLineage));
    await expect.poll(transform).toMatch(/^scale/);
    const changes = async (act: () => Promise<unknown>) => {
      const before = await transform();
      await act();
      await expect.poll(transform).not.toBe(before);
    };
    await page.mouse.move(600, 700);
    await changes(() => page.mouse.wheel(0, -300));
    await changes(() => page.keyboard.press('-'));
    await changes(() => page.locator('#zoom-in').click());
    await changes(() => page.locator('#fit').click());
    await changes(async () => {
      await page.mouse.move(600, 700);
      await page.mouse.down();
      await page.mouse.move(500, 650, { steps: 5 });
      await page.mouse.up();
    });
    await close();
  });

  it('executes nothing that a tag says, and shows it', async () => {
    const tag = `k:</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028"'\`\${alert(3)}<!--<svg onload=alert(4)>`;
    const hostile: Lineage = { ...lineageWithTag(tag), root: 'clean' };
    await open(lineageGraph(hostile));
    await page.locator('#graph .node.root').click();
    expect(await details().textContent()).toContain(tag.slice(2));
    expect(await page.locator('script').count()).toBe(2);
    await close();
  });

  it('allows no script and no request but its own', async () => {
    await open(lineageGraph(sampleLineage));
    const outcome = await page.evaluate(async () => {
      const script = document.createElement('script');
      script.textContent = 'globalThis.injected = true';
      document.body.append(script);
      const reached = await fetch('http://127.0.0.1:9/').then(
        () => true,
        () => false,
      );
      return { injected: 'injected' in globalThis, reached };
    });
    expect(outcome).toEqual({ injected: false, reached: false });
    expect(complaints.length).toBeGreaterThan(0);
    expect(complaints.every((complaint) => /Content Security Policy|127\.0\.0\.1:9/.test(complaint))).toBe(
      true,
    );
    await page.close();
  });

  it('shows a tag of 1 MiB in part, and connected Plans', async () => {
    await open(lineageGraph(lineageWithTag(`k:${'x'.repeat(1024 * 1024)}`)));
    await page.locator('#graph .node.root').click();
    expect(await details().textContent()).toContain('… (1048578 characters in all)');
    await close();
    await open(planGraph(samplePlans));
    await page.locator('#graph .node', { hasText: 'again:v1' }).click();
    expect(await details().textContent()).toContain('team=research');
    await close();
  });

  it('keeps only what is in sight in the document, of thousands of nodes, and finds all', async () => {
    await open(lineageGraph(longLineage(1000)));
    await expect.poll(() => page.locator('#graph .node').count()).toBeLessThan(200);
    await page.locator('#search').fill('name:data-987');
    await page.locator('#search').press('Enter');
    expect(await details().locator('h2').textContent()).toBe('data-987');
    await expect.poll(() => page.locator('#graph .node.selected').isVisible()).toBe(true);
    await close();
  });

  it('is dark where the system is, and on paper light and whole', async () => {
    await open(lineageGraph(longLineage(60)));
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await paper();
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await paper()).not.toBe(light);
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
    expect(await paper()).toBe('rgb(255, 255, 255)');
    expect(await page.locator('#graph .node').count()).toBe(121);
    expect(await page.locator('header .tools').isVisible()).toBe(false);
    await close();
  });
});
