export { main } from './main.ts';
export {
  announceServer,
  type RunningServer,
  runningServers,
  withdrawServer,
} from './profile/running-servers.ts';
