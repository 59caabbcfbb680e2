import { accessSync, constants } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'];

/** Where this machine has Chromium; undefined where it has none. */
export const chromiumPath: string | undefined = places.find((place) => {
  if (!place) return false;
  try {
    accessSync(place, constants.X_OK);
    return true;
  } catch {
    return false;
  }
});

/** Starts Chromium without a window. */
export const startChromium = (): Promise<Browser> =>
  chromium.launch({
    ...(chromiumPath !== undefined && { executablePath: chromiumPath }),
    // Its sandbox is not for root, who runs tests in containers.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
