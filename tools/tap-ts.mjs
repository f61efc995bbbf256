// Makes tap run TypeScript tests through ts-node itself (transpile only; types are checked by
// `npm run check`). tap brings a fork of ts-node with it, which is why this preload exists.
import { register } from 'node:module';
import 'ts-node/register/transpile-only';
register('./ts-format.mjs', import.meta.url);
