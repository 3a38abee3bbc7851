import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import type { Program } from '../sidecar/processes.ts';

/** A page with what it said that it should not: errors, refused loads, violations of its content security policy. */
export interface WatchedPage {
  readonly page: Page;
  readonly faults: readonly string[];
}

export interface TestBrowser {
  open(url: string, options?: BrowserContextOptions): Promise<WatchedPage>;
}

/** Starts a Chromium for the tests of a file. */
export function useChromium(): TestBrowser {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  });
  afterAll(() => browser.close());
  return {
    async open(url, options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
      });
      page.on('dialog', (dialog) => {
        faults.push(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      await page.goto(url);
      return { page, faults };
    },
  };
}

/** Where a bus serves its console. */
export async function consoleUrl(program: Program): Promise<string> {
  const [, url = ''] = await program.seen(/the console is served url=(\S+)/);
  return url;
}
