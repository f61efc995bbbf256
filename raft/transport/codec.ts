/**
 * Messages and hellos as frames (spec: raft 5, T2 and T4; `raft.proto` says the same). The only
 * place where Raft's 64-bit fields change form (R90). Frames are not trusted: lengths and counts
 * are capped and everything malformed throws a `RangeError`, upon which the link closes (R93).
 */
import { assert } from '../../base/assert';
import { crc32 } from '../../base/crc32';
import type { MemberId, Message } from '../core';
import { RAFT_LIMITS } from '../limits';
import { bodyBytes, BODY_FIELD, readBody, writeBody } from './message-codec';
import { counterBytes, nestedBytes, WireReader, WireWriter } from './wire-bytes';

/** Protocol versions that this build speaks. */
export const PROTOCOL_VERSIONS = { min: 1, max: 1 } as const;

/** The first frame each way: who speaks, to whom, and with what log (T2). */
export interface Hello {
  readonly versionMin: number;
  readonly versionMax: number;
  readonly clusterId: string;
  readonly memberId: string;
  readonly expectedPeerId: string;
  readonly logId: string;
  readonly incarnation: number;
  readonly storeSchema: number;
}

/** Messages of one sender to one receiver. */
export interface DecodedBatch {
  readonly from: MemberId;
  readonly to: MemberId;
  readonly messages: readonly Message[];
}

const CRC_BYTES = 5;
const ID_BYTES = 9;

/** Encodes a hello. */
export function encodeHello(hello: Hello): Uint8Array {
  const counters = [hello.versionMin, hello.versionMax, hello.incarnation, hello.storeSchema];
  const ids = [hello.clusterId, hello.memberId, hello.expectedPeerId, hello.logId];
  const length = counters.reduce((sum, value) => sum + counterBytes(value), CRC_BYTES);
  const writer = new WireWriter(length + ids.length * ID_BYTES);
  writer.fixed32(1, 0);
  writer.counter(2, hello.versionMin);
  writer.counter(3, hello.versionMax);
  writer.id(4, hello.clusterId);
  writer.id(5, hello.memberId);
  writer.id(6, hello.expectedPeerId);
  writer.id(7, hello.logId);
  writer.counter(8, hello.incarnation);
  writer.counter(9, hello.storeSchema);
  return seal(writer);
}

/** Decodes a hello. Unknown fields are passed over: later versions may add some. */
export function decodeHello(frame: Uint8Array): Hello {
  const reader = openFrame(frame);
  const hello = {
    versionMin: 0,
    versionMax: 0,
    clusterId: '',
    memberId: '',
    expectedPeerId: '',
    logId: '',
    incarnation: 0,
    storeSchema: 0,
  };
  while (reader.next()) {
    if (reader.field === 2) hello.versionMin = reader.counter();
    else if (reader.field === 3) hello.versionMax = reader.counter();
    else if (reader.field === 4) hello.clusterId = reader.id();
    else if (reader.field === 5) hello.memberId = reader.id();
    else if (reader.field === 6) hello.expectedPeerId = reader.id();
    else if (reader.field === 7) hello.logId = reader.id();
    else if (reader.field === 8) hello.incarnation = reader.counter();
    else if (reader.field === 9) hello.storeSchema = reader.counter();
    else reader.skip();
  }
  if (hello.memberId === '' || hello.clusterId === '') {
    throw new RangeError('Cannot decode a hello: it names no member');
  }
  return hello;
}

/** Bytes that a message takes in a batch: exact. */
export function messageBytes(message: Message): number {
  return nestedBytes(4, contentBytes(message, bodyBytes(message)));
}

/** Encodes messages that all go from one member to one other. */
export function encodeBatch(messages: readonly Message[]): Uint8Array {
  const first = messages[0];
  assert(first !== undefined, 'a batch holds a message');
  const bodies = messages.map(bodyBytes);
  let length = CRC_BYTES + 2 * ID_BYTES;
  messages.forEach((message, at) => {
    assert(message.from === first.from && message.to === first.to, 'a batch has one address');
    length += nestedBytes(4, contentBytes(message, bodies[at] as number));
  });
  const writer = new WireWriter(length);
  writer.fixed32(1, 0);
  writer.id(2, first.from);
  writer.id(3, first.to);
  messages.forEach((message, at) => {
    const body = bodies[at] as number;
    writer.nested(4, contentBytes(message, body));
    writer.counter(1, message.term);
    writer.nested(BODY_FIELD[message.kind], body);
    writeBody(writer, message);
  });
  return seal(writer);
}

/** Decodes a batch. The entries of a message share one copy of its bytes (R94). */
export function decodeBatch(frame: Uint8Array): DecodedBatch {
  const reader = openFrame(frame);
  const messages: Message[] = [];
  let from: MemberId | undefined;
  let to: MemberId | undefined;
  while (reader.next()) {
    if (reader.field === 2) from = reader.id() as MemberId;
    else if (reader.field === 3) to = reader.id() as MemberId;
    else if (reader.field === 4) {
      if (from === undefined || to === undefined) {
        throw new RangeError('Cannot decode a batch: it has no address');
      }
      if (messages.length >= RAFT_LIMITS.messagesPerFrameMax) {
        throw new RangeError('Cannot decode a batch: it holds too many messages');
      }
      messages.push(decodeMessage(reader, from, to));
    } else reader.skip();
  }
  if (from === undefined || to === undefined) {
    throw new RangeError('Cannot decode a batch: it has no address');
  }
  return { from, to, messages };
}

function contentBytes(message: Message, body: number): number {
  return counterBytes(message.term) + nestedBytes(BODY_FIELD[message.kind], body);
}

function decodeMessage(reader: WireReader, from: MemberId, to: MemberId): Message {
  const outer = reader.enter();
  let term = 0;
  let message: Message | undefined;
  while (reader.next()) {
    if (reader.field === 1) term = reader.counter();
    else {
      if (message !== undefined) throw new RangeError('Cannot decode a message of two kinds');
      message = readBody(reader, { from, to, term });
    }
  }
  reader.leave(outer);
  // A kind that this version does not know would be skipped at the cost of a lost promise.
  if (message === undefined) throw new RangeError('Cannot decode a message without a kind');
  return message;
}

/** Checks size and checksum; the reader stands after the checksum. */
function openFrame(frame: Uint8Array): WireReader {
  if (frame.length > RAFT_LIMITS.frameBytesMax) {
    throw new RangeError(`Cannot decode a frame: received ${String(frame.length)} bytes`);
  }
  const reader = new WireReader(frame);
  if (!reader.next() || reader.field !== 1) {
    throw new RangeError('Cannot decode a frame: it does not begin with a checksum');
  }
  const crc = reader.fixed32();
  if (crc !== crc32(frame.subarray(CRC_BYTES))) {
    throw new RangeError('Cannot decode a frame: its checksum does not hold');
  }
  return reader;
}

/** Fills in the checksum of a finished frame. */
function seal(writer: WireWriter): Uint8Array {
  const { bytes } = writer;
  assert(writer.length === bytes.length, 'a frame has the size that was computed', {
    computed: bytes.length,
    written: writer.length,
  });
  const crc = crc32(bytes.subarray(CRC_BYTES));
  for (let i = 0; i < 4; i++) bytes[1 + i] = (crc >>> (i * 8)) & 0xff;
  return bytes;
}
