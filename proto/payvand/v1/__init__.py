"""The code generated from the contract, payvand/v1/*.proto."""
