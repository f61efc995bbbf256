/** Controllers that run inside an API server (floor 8). */
export { NamespaceDeletionController } from './namespace-deletion';
