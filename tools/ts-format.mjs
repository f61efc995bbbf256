// Tells Node that `.ts` files are CommonJS, so that the hook of ts-node/register compiles them.
export async function load(url, context, nextLoad) {
  if (url.startsWith('file:') && url.endsWith('.ts')) {
    return { format: 'commonjs', source: null, shortCircuit: true };
  }
  return nextLoad(url, context);
}
