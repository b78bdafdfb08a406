export { SwarmTestCluster, type SwarmTestClusterOptions } from './swarm-test-cluster.js';
