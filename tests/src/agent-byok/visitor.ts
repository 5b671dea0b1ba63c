import type { Locator } from 'playwright-core';
import type { Device } from '../browser/browser.js';

/** What a person does on the pages of the example. */
export interface Visitor {
  readonly device: Device;
  signUp(): Promise<void>;
  /** Follows a link of the navigation. */
  goTo(page: string): Promise<void>;
  press(button: string): Promise<void>;
  /** A row of a list, by the text in it. */
  row(text: string): Locator;
  addKey(key: { readonly name: string; readonly value: string }): Promise<void>;
  /** The value of a key, as the page shows it for a moment. */
  reveal(name: string): Promise<string>;
}

/** Gives a device to a person. */
export function createVisitor(device: Device, origin: string): Visitor {
  const { page } = device;
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const heading = (name: string) => page.getByRole('heading', { name, exact: true, level: 1 });
  return {
    device,
    async signUp() {
      await page.goto(origin);
      await press('Sign up with a passkey');
      await heading('Tasks').waitFor();
    },
    async goTo(name) {
      await page.getByRole('navigation').getByRole('link', { name }).click();
      await heading(name).waitFor();
    },
    press,
    row: (text) => page.getByRole('listitem').filter({ hasText: text }).first(),
    async addKey({ name, value }) {
      await press('Add a key');
      await page.getByRole('textbox', { name: 'Name' }).fill(name);
      await page.getByLabel('Key', { exact: true }).fill(value);
      await press('Put it into the vault');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    },
    async reveal(name) {
      await press(`Reveal ${name}`);
      const shown = page.getByRole('dialog').locator('code');
      await page.waitForFunction(() => Boolean(document.querySelector('dialog code')?.textContent));
      const value = await shown.innerText();
      await press('Hide');
      return value;
    },
  };
}

/** Lets the page's clock, which `device.page.clock.install` gave it, go on until the vault locks itself. */
export async function lockItself({ page }: Device): Promise<void> {
  await page.clock.fastForward('05:00');
  await page.getByText('Your vault is locked').first().waitFor();
}
