/** `npm run bench -- NAME`: benchmarks that a stranger can run again. Nothing here asserts. */
import { parseArgs } from 'node:util';
import { benchStore } from './store';

const USAGE = `Usage: npm run bench -- store [--json] [--seconds N]

  store   puts and linearizable gets on three replicas, next to three etcd members
          where etcd is installed (Debian: etcd-server)

  --json        print the figures for machines
  --seconds N   how long each row is measured (default 5)`;

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '5' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const seconds = Number(values.seconds);
  if (values.help || positionals.length !== 1 || positionals[0] !== 'store') {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  if (!(seconds > 0)) {
    console.error(`Cannot measure for --seconds ${values.seconds}: a number above 0 is needed`);
    return 2;
  }
  await benchStore({ json: values.json, seconds });
  return 0;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
