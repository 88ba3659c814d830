"""Provisions the Pulumi program on the AWS emulator, without the Pulumi engine."""
