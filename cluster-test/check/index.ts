export {
  judgeRevisionOrder,
  type History,
  type KeyState,
  type ReadCall,
  type WatchedEvent,
  type WriteCall,
} from './revision-order';
