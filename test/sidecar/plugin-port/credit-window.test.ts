import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CreditPool } from '../../../src/sidecar/memory/credit-pool.ts';
import { CreditWindow } from '../../../src/sidecar/plugin-port/credit-window.ts';

const cap = { messages: 8, bytes: 1_000 };
const messageBytes = 100;

type Step = { readonly give: { readonly messages: number; readonly bytes: number } } | 'deliver' | 'take';
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ give: fc.record({ messages: fc.nat(50), bytes: fc.nat(5_000) }) }),
  fc.constantFrom('deliver' as const, 'take' as const),
);

test('what is outstanding never exceeds the cap, and what is passed on never exceeds what was given', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const window = new CreditWindow(cap, new CreditPool(1_000_000));
      const given = { messages: 0, bytes: 0 };
      const passedOn = { messages: 0, bytes: 0 };
      let delivered = 0;
      for (const each of steps) {
        if (each === 'deliver') {
          // The bus delivers only while both kinds of its credit last.
          const left = { messages: passedOn.messages - delivered, bytes: passedOn.bytes - delivered * messageBytes };
          if (left.messages <= 0 || left.bytes <= 0) continue;
          delivered += 1;
          window.delivered(messageBytes);
        } else if (each === 'take') {
          const portion = window.take();
          passedOn.messages += portion?.messages ?? 0;
          passedOn.bytes += portion?.bytes ?? 0;
        } else {
          window.give(each.give);
          given.messages += each.give.messages;
          given.bytes += each.give.bytes;
        }
        expect(passedOn.messages - delivered).toBeLessThanOrEqual(cap.messages);
        expect(passedOn.bytes - delivered * messageBytes).toBeLessThanOrEqual(cap.bytes);
        expect(passedOn.messages).toBeLessThanOrEqual(given.messages);
        expect(passedOn.bytes).toBeLessThanOrEqual(given.bytes);
      }
    }),
  );
});

test('everything that is given is passed on in the end, as deliveries use it up', () => {
  const window = new CreditWindow(cap, new CreditPool(1_000_000));
  window.give({ messages: 100, bytes: 100 * messageBytes });
  let passedOn = 0;
  for (let portion = window.take(); portion; portion = window.take()) {
    passedOn += portion.messages;
    for (let index = 0; index < portion.messages; index += 1) window.delivered(messageBytes);
  }
  expect(passedOn).toBe(100);
});

test('nothing is passed on while nothing is given', () => {
  expect(new CreditWindow(cap, new CreditPool(1_000_000)).take()).toBeUndefined();
});
