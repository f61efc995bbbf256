/**
 * What flags may say, and the sentence for one that says something else. Commander adds which flag
 * it was. Flags that several commands share are declared here, so that they read the same.
 */
import { InvalidArgumentError, Option } from 'commander';
import { isHexId } from '../base/hex-id';
import { LOG_LEVELS, parseAddress, type LogFormat, type LogLevel } from '../base/node';

/** Where clusters live if `--data-dir` does not say so. */
export const DEFAULT_DATA_DIR = '.keelson';
/** The API server's port, as other local clusters have it. */
export const DEFAULT_API_PORT = 6443;

/** Flags about what a process says of itself. */
export interface LogFlags {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** Flags that find a store and prove who asks. */
export interface StoreFlags {
  readonly dataDir: string;
  readonly endpoints?: readonly string[];
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly peerName?: string;
  readonly insecurePlaintext?: boolean;
}

/** A whole number in a range. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It has to be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** A port; 0 asks for any that is free. */
export const port = wholeNumber(0, 65_535);

/** How many replicas: an odd number, since an even one tolerates no more failures. */
export function replicaCount(text: string): number {
  const value = Number(text);
  if (![1, 3, 5, 7].includes(value)) {
    throw new InvalidArgumentError('It has to be 1, 3, 5 or 7.');
  }
  return value;
}

/** `host:port`. */
export function address(text: string): string {
  if (parseAddress(text) === undefined) {
    throw new InvalidArgumentError('It has to be host:port, with IPv6 hosts in brackets.');
  }
  return text;
}

/** `host:port,host:port`. */
export function addressList(text: string): readonly string[] {
  return text.split(',').map((part) => address(part.trim()));
}

/** A host name or IP address to listen on. */
export function host(text: string): string {
  if (!/^[A-Za-z0-9.:_-]+$/.test(text)) {
    throw new InvalidArgumentError('It has to be an IP address or a host name.');
  }
  return text;
}

/** Adds the names of one `--tls-san` to those before. */
export function nameList(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').map((name) => host(name.trim()))];
}

/** 16 hex digits. */
export function hexId(text: string): string {
  if (!isHexId(text)) throw new InvalidArgumentError('It has to be 16 lower-case hex digits.');
  return text;
}

/** A member's name; it becomes part of paths and certificates. */
export function memberName(text: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) {
    throw new InvalidArgumentError('It has to be lower-case letters, digits and dashes.');
  }
  return text;
}

/** `name=host:port,name=host:port,…`: all members of a cluster. */
export function memberList(
  text: string,
): readonly { readonly name: string; readonly address: string }[] {
  const members = text.split(',').map((part) => {
    const [name = '', at = ''] = part.trim().split('=', 2);
    return { name: memberName(name), address: address(at) };
  });
  if (new Set(members.map((member) => member.name)).size < members.length) {
    throw new InvalidArgumentError('A name stands for two members.');
  }
  return members;
}

/** The directory of a cluster. */
export function dataDirOption(what = 'directory of the cluster'): Option {
  return new Option('--data-dir <dir>', what).default(DEFAULT_DATA_DIR);
}

/** The flags of {@link LogFlags}. */
export function logOptions(): readonly Option[] {
  return [
    new Option('--log-level <level>', 'how much to log').choices([...LOG_LEVELS]).default('info'),
    new Option('--log-format <format>', 'form of log lines')
      .choices(['human', 'json'])
      .default('human'),
  ];
}

/** The flags of {@link StoreFlags}. */
export function storeOptions(): readonly Option[] {
  return [
    dataDirOption('find the store, and the certificates for it, in this cluster directory'),
    new Option(
      '--endpoints <host:port,...>',
      'ask these replicas instead of those of --data-dir; needs --ca, --cert, --key and --peer-name',
    ).argParser(addressList),
    new Option('--ca <file>', "the store's authority (PEM)"),
    new Option('--cert <file>', 'certificate to show to the store (PEM)'),
    new Option('--key <file>', 'key of --cert (PEM)'),
    new Option(
      '--peer-name <name>',
      "DNS name that every replica's certificate has: peer.<cluster id>",
    ),
    new Option(
      '--insecure-plaintext',
      'speak to the store without TLS: anyone who reaches its port can read and write everything',
    ),
  ];
}
