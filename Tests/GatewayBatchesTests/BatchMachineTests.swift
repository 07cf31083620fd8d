import GatewayBatches
import Testing
@Suite struct BatchMachineTests {}
