import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startChromium } from '../packages/cli/test/chromium.ts';
import { KnitServer } from './knit-server.ts';

describe.skipIf(chromiumPath === undefined)('the reference of the API, in Chromium', () => {
  let server: KnitServer;
  beforeAll(async () => {
    server = await KnitServer.start();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  test('shows every group of operations, asks no other server, and breaks no rule of its own policy', {
    timeout: 120_000,
  }, async () => {
    const browser = await startChromium();
    const page = await browser.newPage();
    const [complaints, asked]: [string[], string[]] = [[], []];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('request', (request) => request.url().startsWith('data:') || asked.push(request.url()));
    await page.goto(`${server.client.apiRoot}/reference`);
    for (const group of ['Data', 'Plans', 'Runs', 'Lineage', 'Events', 'System']) {
      await page.getByRole('link', { name: group, exact: true }).first().waitFor();
    }
    await page.getByText('Find Data by tags and time, oldest first').first().waitFor();
    await browser.close();
    expect(complaints).toEqual([]);
    expect(asked.filter((url) => !url.startsWith(server.client.apiRoot))).toEqual([]);
  });
});
