import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonLine, messageJson, messageLine, printable } from '../../../src/cli/shell/message-text.ts';
import { create } from '../../../src/contract/wire/codec/message.ts';
import { EnvelopeSchema } from '../../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';

const anyText = fc.string({ unit: 'binary' });
const obeyed = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

test('no text keeps a character that a terminal would obey', () => {
  fc.assert(fc.property(anyText, (text) => !obeyed.test(printable(text))));
});

test('a line of JSON has the same value, and no character that a terminal would obey', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const line = jsonLine({ text });
      expect(JSON.parse(line)).toEqual({ text });
      expect(line.slice(0, -1)).not.toMatch(obeyed);
    }),
  );
});

test('whatever a bus sends becomes one line, and its payload comes back from the JSON', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(anyText, fc.uint8Array(), int64, (text, payload, publishedAtNs) => {
      const envelope = create(EnvelopeSchema, {
        payload,
        payloadType: text,
        meta: { topic: text, publisherInstanceId: text, publishedAtNs },
      });
      for (const line of [messageLine(envelope), messageJson(envelope)]) {
        expect(line.endsWith('\n')).toBe(true);
        expect(line.slice(0, -1)).not.toMatch(obeyed);
      }
      const { payload: shown, payloadBase64 } = JSON.parse(messageJson(envelope)) as Record<string, string>;
      const back = shown === undefined ? Buffer.from(payloadBase64 ?? '', 'base64') : Buffer.from(shown);
      expect(back).toEqual(Buffer.from(payload));
    }),
  );
});
