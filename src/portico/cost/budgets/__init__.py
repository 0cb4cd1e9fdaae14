"""What is left to spend: accounts, holds and settlements, without a clock and without IO."""
