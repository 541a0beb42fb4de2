import { crc32, deflateSync } from 'node:zlib';
import { type Answer, type EndpointRequest, bytesOf, readChoice, readInteger } from './answer';
import { hashText, randomFrom } from './sentence';
import { countText, encodingOf } from './token-count';
import { UpstreamError } from './upstream-error';
import { type ImageUsage, reportedUsage } from './usage';

const QUALITIES = ['auto', 'low', 'medium', 'high', 'standard', 'hd'] as const;
const SIDE = 8;

/** Output tokens of one gpt-image picture, by the table OpenAI publishes for gpt-image-1. */
const IMAGE_TOKENS = {
  low: { square: 272, portrait: 408, landscape: 400 },
  medium: { square: 1056, portrait: 1584, landscape: 1568 },
  high: { square: 4160, portrait: 6240, landscape: 6208 },
};

/**
 * `POST /v1/images/generations`: `n` tiny pictures as `b64_json`, whatever `response_format` asks, for the upstream
 * hosts no files. Only the gpt-image models report usage. `auto` means a medium square. @throws UpstreamError 400
 */
export function answerImages(request: EndpointRequest): Answer {
  const { body, model, behaviours } = request;
  const prompt = body['prompt'];
  if (typeof prompt !== 'string' || prompt === '') {
    throw new UpstreamError(400, `Missing required parameter: 'prompt'.`, 'prompt', 'missing_required_parameter');
  }
  const count = readInteger(body, 'n', 1, 10) ?? 1;
  const size = readSize(body['size'] ?? 'auto');
  const asked = readChoice(body, 'quality', QUALITIES, 'auto');
  const quality = asked === 'low' || asked === 'high' ? asked : 'medium';
  const seed = hashText(prompt, hashText(model));
  const data = Array.from({ length: count }, (_, index) => ({ b64_json: pictureOf(hashText(`#${index}`, seed)) }));
  if (!model.includes('gpt-image')) return answerWith({ data }, null);

  const text = countText(encodingOf(model), prompt);
  const output = count * IMAGE_TOKENS[quality][size.shape];
  const usage: ImageUsage = {
    input_tokens: text,
    output_tokens: output,
    total_tokens: text + output,
    input_tokens_details: { text_tokens: text, image_tokens: 0 },
    output_tokens_details: { text_tokens: 0, image_tokens: output },
  };
  const picture = { background: 'opaque', output_format: 'png', quality, size: size.text };
  return answerWith({ ...picture, data, usage: reportedUsage(usage, behaviours) }, usage);
}

function answerWith(fields: object, usage: ImageUsage | null): Answer {
  const rest = bytesOf(JSON.stringify(fields).slice(1));
  return { json: ({ created }) => `{"created":${created},${rest}`, usage };
}

function readSize(value: unknown): { text: string; shape: 'square' | 'portrait' | 'landscape' } {
  const text = value === 'auto' ? '1024x1024' : value;
  const [, wide, high] = (typeof text === 'string' && /^(\d{2,4})x(\d{2,4})$/.exec(text)) || [];
  if (typeof text !== 'string' || wide === undefined || high === undefined) {
    throw new UpstreamError(400, `Invalid 'size': expected 'auto' or <width>x<height>.`, 'size');
  }
  if (Number(wide) === Number(high)) return { text, shape: 'square' };
  return { text, shape: Number(wide) < Number(high) ? 'portrait' : 'landscape' };
}

/** A valid 8 by 8 PNG of the seed's colours, base64. The picture's real size is beside the point. */
function pictureOf(seed: number): string {
  const next = randomFrom(seed);
  const rows = Buffer.alloc(SIDE * (1 + SIDE * 3));
  for (let row = 0; row < SIDE; row++) {
    const start = row * (1 + SIDE * 3);
    for (let at = 1; at <= SIDE * 3; at++) rows[start + at] = next() >>> 24;
  }
  const header = Buffer.from([0, 0, 0, SIDE, 0, 0, 0, SIDE, 8, 2, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]).toString('base64');
}

function pngChunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8 + named.length);
  frame.writeUInt32BE(data.length, 0);
  named.copy(frame, 4);
  frame.writeUInt32BE(crc32(named), 4 + named.length);
  return frame;
}
