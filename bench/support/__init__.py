# SPDX-License-Identifier: Apache-2.0
"""What the benches share: the disk they run on, the programs they compare, the table they print."""
