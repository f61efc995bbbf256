/**
 * The command line: commands, flags, help. What a command does is in the file of that name, which
 * is loaded only when the command runs: `keelson --help` loads neither LevelDB nor a certificate
 * library.
 */
import { createRequire } from 'node:module';
import { Command, Option } from 'commander';
import type { ApiServerFlags } from './apiserver';
import {
  address,
  dataDirOption,
  DEFAULT_API_PORT,
  hexId,
  host,
  logOptions,
  memberList,
  memberName,
  nameList,
  port,
  replicaCount,
  storeOptions,
  wholeNumber,
} from './flags';
import type { KvFlags } from './kv';
import { packageVersion } from './package-info';
import type { ReplicaFlags } from './replica';
import type { StatusFlags } from './status';
import type { TransferFlags } from './transfer';
import type { UpFlags } from './up-flags';

// Loads like `import` at the top of a file would, compiled or not, but only when it is called.
const load = createRequire(__filename);

const REVISION_MAX = Number.MAX_SAFE_INTEGER;

/** The whole command line, ready to parse. */
export function buildProgram(): Command {
  const program = new Command('keelson')
    .description(
      'A Kubernetes-compatible API server on its own replicated store.\n\n' +
        'keelson up starts a local cluster of several processes that kubectl uses like any ' +
        'Kubernetes API. It runs no containers: it is a control plane.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'keelson: ')),
    })
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  keelson up                           3 replicas and an API server on port 6443\n' +
        '  keelson up --replicas 1 --port 0     the smallest cluster, on any free port\n' +
        '  keelson status                       who leads, and how far each replica is\n' +
        '  keelson kv list --prefix /registry --keys-only',
    );
  addUp(program);
  addStatus(program);
  addTransfer(program);
  addKv(program);
  addReplica(program);
  addApiServer(program);
  return program;
}

function addUp(program: Command): void {
  const command = program
    .command('up')
    .description(
      'Run a cluster on this machine until it is stopped; its data stays for the next time.\n\n' +
        'Starts replica processes and API servers, restarts those that die, and prints the ' +
        'line that points kubectl at them. Stop it with Control-C or SIGTERM.',
    )
    .option(
      '--replicas <n>',
      'how many replicas of the store: 1, 3, 5 or 7; chosen once for a directory (default: 3)',
      replicaCount,
    )
    .option('--apiservers <n>', 'how many API servers', wholeNumber(1, 16), 1)
    .addOption(dataDirOption('where everything is kept'))
    .option(
      '--port <port>',
      'port of the first API server; the others follow, and after them, if there are several, ' +
        'a front port for all; 0 takes any free ones',
      port,
      DEFAULT_API_PORT,
    )
    .option('--kubeconfig <file>', 'where to write the kubeconfig (default: in the data directory)')
    .option('--no-restart', 'leave a process that dies dead')
    .option(
      '--bind-address <host>',
      'address the API servers listen on; replicas stay on loopback',
      host,
      '127.0.0.1',
    )
    .option(
      '--tls-san <name>',
      "further host name or IP for the API servers' certificate; may be repeated",
      nameList,
    )
    .option('--token-file <file>', 'static bearer tokens: lines of token,user,uid[,"group,..."]')
    .addHelpText(
      'after',
      '\nWhile it runs, DIR/up.json tells what runs: names, roles, process ids, addresses.\n' +
        'What the processes say is in DIR/logs/. Two clusters at once need two directories and\n' +
        'two ports:  keelson up --data-dir other --port 0',
    )
    .action(async (flags: UpFlags) => {
      await (load('./up') as typeof import('./up')).runUp(flags);
    });
  for (const option of logOptions()) command.addOption(option);
}

function addStatus(program: Command): void {
  const command = program
    .command('status')
    .description('Show each replica: its role, term, indexes, revision and size.')
    .addOption(
      new Option('-o, --output <form>', 'form of the answer')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText(
      'after',
      '\nThe exit code is 1 when so many replicas cannot be reached that the store stands still.',
    )
    .action(async (flags: StatusFlags) => {
      await (load('./status') as typeof import('./status')).runStatus(flags);
    });
  for (const option of storeOptions()) command.addOption(option);
}

function addTransfer(program: Command): void {
  const command = program
    .command('transfer-leadership')
    .description(
      'Let another replica lead, without a failed request: writes wait for a few milliseconds.\n\n' +
        'A replica that is stopped does this by itself.',
    )
    .option('--to <name>', 'the replica that is to lead (default: the leader chooses)', memberName)
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nIf the other replica does not take over within an election timeout, the old leader ' +
        'goes on\nand the exit code is 1.',
    )
    .action(async (flags: TransferFlags) => {
      await (load('./transfer') as typeof import('./transfer')).runTransfer(flags);
    });
  for (const option of storeOptions()) command.addOption(option);
}

function addKv(program: Command): void {
  const kv = program
    .command('kv')
    .description('Read and write the store below Kubernetes: keys, values, revisions.')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  keelson kv put /hello world\n' +
        '  keelson kv get /hello -o json\n' +
        '  keelson kv list --prefix /registry/pods --keys-only\n' +
        '  keelson kv watch --prefix /registry --revision 100     from revision 100 on, included',
    );
  const commands = (): typeof import('./kv') => load('./kv') as typeof import('./kv');
  const add = (usage: string, description: string): Command => {
    const command = kv.command(usage).description(description).addOption(outputOption());
    for (const option of storeOptions()) command.addOption(option);
    return command;
  };
  addReadOptions(add('get [key]', 'Print the value of a key.')).action(
    async (key: string | undefined, flags: KvFlags) => commands().runKvGet(key, flags),
  );
  add('put <key> <value>', 'Write a value, whatever was there.').action(
    async (key: string, value: string, flags: KvFlags) => commands().runKvPut(key, value, flags),
  );
  add('delete [key]', 'Delete a key, or all keys with a prefix.')
    .addOption(prefixOption())
    .action(async (key: string | undefined, flags: KvFlags) => commands().runKvDelete(key, flags));
  addReadOptions(
    add('list [prefix]', 'Print keys and values in key order; everything without a prefix.'),
  ).action(async (key: string | undefined, flags: KvFlags) => commands().runKvList(key, flags));
  add('watch [key]', 'Print each change as it happens, until it is stopped.')
    .addOption(prefixOption())
    .option('--keys-only', 'leave the values out')
    .option('--revision <n>', 'begin with the changes of this revision', revision)
    .option('--limit <n>', 'stop after so many changes', wholeNumber(1, REVISION_MAX))
    .action(async (key: string | undefined, flags: KvFlags) => commands().runKvWatch(key, flags));
}

const revision = wholeNumber(1, REVISION_MAX);

function prefixOption(): Option {
  return new Option('--prefix [prefix]', 'all keys that begin with it, or with the key given');
}

function outputOption(): Option {
  return new Option('-o, --output <form>', 'form of the answer')
    .choices(['text', 'json'])
    .default('text');
}

function addReadOptions(command: Command): Command {
  return command
    .addOption(prefixOption())
    .option('--keys-only', 'leave the values out')
    .option('--revision <n>', 'the state as of this revision', revision)
    .option('--limit <n>', 'at most so many keys', wholeNumber(1, REVISION_MAX))
    .option('--serializable', 'what one replica has, perhaps old, without asking the leader');
}

function addReplica(program: Command): void {
  const command = program
    .command('replica')
    .description(
      'Run one replica by hand. `keelson up` does this for you.\n\n' +
        'Either a member of the cluster in --data-dir, or, on machines of their own, one of ' +
        '--members with its own --member-dir and certificates.',
    )
    .requiredOption('--name <name>', 'which member this is', memberName)
    .addOption(dataDirOption())
    .option('--existing', 'refuse to start on an empty directory')
    .option('--members <name=host:port,...>', 'all members of the cluster', memberList)
    .option('--cluster-id <id>', 'id of the cluster: 16 hex digits, the same everywhere', hexId)
    .option('--member-dir <dir>', "this member's own directory")
    .option('--ca <file>', "the store's authority (PEM)")
    .option('--cert <file>', 'certificate with the DNS names NAME and peer.<cluster id> (PEM)')
    .option('--key <file>', 'key of --cert (PEM)')
    .option('--insecure-plaintext', 'no TLS: anyone who reaches the port can do everything')
    .addOption(
      new Option('--profile <profile>', 'times of Raft: one machine, any network, or one rack')
        .choices(['up', 'default', 'fast'])
        .default('default'),
    )
    .option(
      '--metrics-listen <host:port>',
      'serve /healthz and /metrics there, plain HTTP',
      address,
    )
    .action(async (flags: ReplicaFlags) => {
      await (load('./replica') as typeof import('./replica')).runReplica(flags);
    });
  for (const option of logOptions()) command.addOption(option);
}

function addApiServer(program: Command): void {
  const command = program
    .command('apiserver')
    .description(
      'Run one API server by hand. `keelson up` does this for you.\n\n' +
        'Finds store and certificates in --data-dir, or takes them from the flags. Any number ' +
        'may run over one store.',
    )
    .option('--name <name>', 'its name in logs', memberName, 'apiserver')
    .option('--listen <host:port>', 'where to listen', address, `127.0.0.1:${DEFAULT_API_PORT}`)
    .option('--tls-cert <file>', 'serving certificate (PEM)')
    .option('--tls-key <file>', 'key of --tls-cert (PEM)')
    .option('--client-ca <file>', "authority of Kubernetes users' certificates (PEM)")
    .option('--token-file <file>', 'static bearer tokens: lines of token,user,uid[,"group,..."]')
    .option('--no-cache', 'read from the store only, without a watch cache')
    .action(async (flags: ApiServerFlags) => {
      await (load('./apiserver') as typeof import('./apiserver')).runApiServer(flags);
    });
  for (const option of [...storeOptions(), ...logOptions()]) command.addOption(option);
}
