"""IAM roles and their inline policies."""

from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made
from deploy.emulator.live import Look
from deploy.emulator.record import Resource


class Role:
    """``aws:iam/role:Role``."""

    def key(self, inputs: Inputs) -> str:
        """Its name."""
        return str(inputs["name"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the role, or replace who may assume it."""
        iam = aws.of("iam")
        role, trust = inputs["name"], inputs["assumeRolePolicy"]
        try:
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
        except iam.exceptions.EntityAlreadyExistsException:
            iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust)
        arn = iam.get_role(RoleName=role)["Role"]["Arn"]
        return Made(id=role, outputs={"arn": arn})

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the role; its policies went before it."""
        aws.of("iam").delete_role(RoleName=known.id)

    def exists(self, look: Look, known: Resource) -> bool:
        """Ask for it."""
        return look.query("iam", "GetRole", RoleName=known.id).found


class RolePolicy:
    """``aws:iam/rolePolicy:RolePolicy``."""

    def key(self, inputs: Inputs) -> str:
        """The role and the policy's name."""
        return f"{inputs['role']}:{inputs['name']}"

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Write the policy."""
        aws.of("iam").put_role_policy(
            RoleName=inputs["role"],
            PolicyName=inputs["name"],
            PolicyDocument=inputs["policy"],
        )
        return Made(id=self.key(inputs))

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the policy."""
        role, _, policy = known.id.partition(":")
        aws.of("iam").delete_role_policy(RoleName=role, PolicyName=policy)

    def exists(self, look: Look, known: Resource) -> bool:
        """Ask for it."""
        role, _, policy = known.id.partition(":")
        return look.query(
            "iam", "GetRolePolicy", RoleName=role, PolicyName=policy
        ).found
